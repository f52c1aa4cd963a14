// Collects any stream of lines, and feeds the run file to a command. Both results are compared with a plain map.
#include "collector.hpp"

#include <map>
#include <tuple>

#include "hash.hpp"
#include "merger.hpp"
#include "support.hpp"

namespace kubemr::fuzz {
namespace {

using Key = std::tuple<u32, std::string, std::string>;  // the partition, the key, the rest of the line
using Lines = std::map<Key, u64>;

struct Shape {
  u64 partitions;
  std::string separator;
  u64 key_fields;
};

Key key_of(const std::string& line, const Shape& shape) {
  std::size_t end = 0;
  for (u64 field = 1;; ++field) {
    end = line.find(shape.separator, end);
    if (end == std::string::npos) end = line.size();
    if (field == shape.key_fields || end == line.size()) break;
    end += shape.separator.size();
  }
  const std::string key = line.substr(0, end);
  return {partition_of(reinterpret_cast<const u8*>(key.data()), key.size(), shape.partitions), key, line.substr(end)};
}

Lines lines_of(const std::string& stream, const Shape& shape) {
  Lines lines;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = std::min(stream.find('\n', at), stream.size());
    ++lines[key_of(stream.substr(at, end - at), shape)];
    at = end + 1;
  }
  return lines;
}

std::string text_of(const Lines& lines, u32 partition) {
  std::string text;
  for (const auto& [key, count] : lines) {
    if (std::get<0>(key) != partition) continue;
    for (u64 n = 0; n < count; ++n) text += std::get<1>(key) + std::get<2>(key) + "\n";
  }
  return text;
}

// Returns a stream of repeated pieces, so that a short input fills the memory of the collector.
std::string stream_of(Input& input) {
  std::string stream;
  for (u8 pieces = input.byte() % 32; pieces > 0 && input.left() > 0; --pieces) {
    const u8 times = input.byte();
    const bool numbered = input.byte() % 2 != 0;
    const std::string piece = input.take(input.byte());
    for (u32 n = 0; n <= times; ++n) stream += numbered ? std::to_string(n * 7919 % 251) + piece : piece;
  }
  return stream + input.rest();
}

void check(Collector& collector, const std::string& stream, const Shape& shape, u64 memory_bytes) {
  const MemoryFile from(stream);
  require(collector.drain(from.fd(), -1), "a stream that is not cancelled is drained");
  const MemoryFile run;
  const std::vector<PartitionFacts> facts = collector.write_output(run.fd());
  const Lines lines = lines_of(stream, shape);
  u64 records = 0;
  for (u32 partition = 0; partition < shape.partitions; ++partition) {
    const MemoryFile to;
    Merger merger({{run.path(), facts[partition].offset, facts[partition].stored}}, memory_bytes, "/dev/shm");
    const Fed fed = merger.feed(to.fd(), -1);
    const std::string expected = text_of(lines, partition);
    require(to.content() == expected, "a partition has its lines, in order");
    require(fed.raw_bytes == expected.size() && fed.raw_bytes == facts[partition].raw_bytes, "the bytes are counted");
    require(fed.records == facts[partition].records, "the records are counted");
    records += fed.records;
  }
  require(records == collector.records(), "no record is lost");
}

void run(Input input) {
  Shape shape{1 + input.byte() % 8U, "\t", 1 + input.byte() % 3U};
  if (const u8 size = input.byte() % 4; size > 0) shape.separator = input.take(size);
  if (shape.separator.empty()) shape.separator = ",";
  const u64 memory_bytes = 4096 + input.number(2) * 8;
  const u64 most = input.byte() % 8 == 0 ? 1 + input.byte() : u64{1} << 20;
  Collector collector(
      {shape.partitions, shape.separator, static_cast<long long>(shape.key_fields), memory_bytes, most, "/dev/shm"});
  const bool twice = input.byte() % 4 == 0;
  const std::string stream = stream_of(input);
  try {
    check(collector, stream, shape, memory_bytes);
    if (twice) {  // the table keeps its lines for the next task
      collector.reset();
      check(collector, stream.substr(stream.size() / 2), shape, memory_bytes);
    }
  } catch (const RecordTooLarge& error) {
    require(error.size > error.limit && error.limit == most, "only a long line is refused");
  }
}

}  // namespace
}  // namespace kubemr::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kubemr::fuzz::run({data, size});
  return 0;
}
