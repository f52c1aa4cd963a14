// Reads and merges damaged run files. The checksums are repaired in most inputs, so that the payloads are reached.
#include <memory>
#include <vector>

#include "merge.hpp"
#include "run_reader.hpp"
#include "run_writer.hpp"
#include "support.hpp"

namespace kubemr::fuzz {
namespace {

// The sink of a merge: touches each byte of each entry, and writes the entries into another run.
class Rewriter {
 public:
  static constexpr bool kAsksForKeys = true;

  explicit Rewriter(RunWriter& writer) : writer_(writer) {}

  void add(const Entry& entry, bool begins_key) {
    require(entry.key_length <= entry.length, "a key is a part of its line");
    require(entry.count > 0 || wrapped_, "an entry stands for a record");
    touched_ = crc32(touched_, entry.line, entry.length);
    ++entries_;
    records_ += entry.count;
    // Counts of equal lines are added. Only damage makes their sum larger than 64 bits.
    if (entry.count > ~u64{0} / 4) wrapped_ = true;
    if (entry.count > 0) writer_.add(entry, begins_key);
  }

  u64 entries() const { return entries_; }
  u64 records() const { return records_; }
  bool wrapped() const { return wrapped_; }
  u32 touched() const { return touched_; }

 private:
  RunWriter& writer_;
  u64 entries_ = 0;
  u64 records_ = 0;
  u32 touched_ = 0;
  bool wrapped_ = false;
};

// Writes a valid header in the place of each header of a file. The lengths come from the input, cut to the file.
void repair(std::string& file) {
  for (std::size_t at = 0; at + kHeaderBytes < file.size();) {
    auto* const header = reinterpret_cast<u8*>(file.data() + at);
    const std::size_t room = file.size() - at - kHeaderBytes;
    const auto payload = static_cast<u32>(1 + load32(header + 4) % room);
    write_header(header, payload, load32(header + 12));
    store32(header + kChecked, crc32(crc32(0, header, kChecked), header + kHeaderBytes, payload));
    at += kHeaderBytes + payload;
  }
}

struct Part {
  std::unique_ptr<MemoryFile> file;
  u64 offset;
  u64 length;
};

Part part_of(Input& input, std::size_t size) {
  const u8 kind = input.byte();
  std::string content = input.take(size);
  if (kind % 8 != 0) repair(content);
  Part part{std::make_unique<MemoryFile>(content), 0, content.size()};
  if (kind % 16 == 1) {  // a manifest that names another range
    part.offset = input.number(kind & 0x80 ? 8 : 2);
    part.length = input.number(kind & 0x40 ? 8 : 2);
  }
  return part;
}

// Merges ranges into `writer`. Returns the sink, which has counted the entries.
Rewriter merge_parts(const std::vector<Part>& parts, RunWriter& writer) {
  const CancelSwitch nobody(-1);
  std::vector<std::unique_ptr<RunReader>> readers;
  std::vector<EntryStream*> streams;
  for (const Part& part : parts) {
    const FileReader file(part.file->fd(), "fuzz");
    RunReader::largest_block(file, part.offset, part.length);
    readers.push_back(std::make_unique<RunReader>(file, part.offset, part.length, nobody));
    streams.push_back(readers.back().get());
  }
  Rewriter sink(writer);
  merge(streams, sink);
  return sink;
}

void run(Input input) {
  const std::size_t number = 1 + input.byte() % 4;
  const std::size_t size = input.left() / number;
  std::vector<Part> parts;
  parts.reserve(number);
  for (std::size_t n = 0; n < number; ++n) parts.push_back(part_of(input, size));

  const MemoryFile merged;
  FileWriter file(merged.fd(), "merged");
  RunWriter writer(file);
  writer.begin_partition();
  try {
    const Rewriter first = merge_parts(parts, writer);
    const PartitionFacts facts = writer.end_partition();
    writer.flush();
    if (first.wrapped()) return;
    require(facts.entries == first.entries() && facts.records == first.records(), "what was read is written");

    const MemoryFile again;
    FileWriter second_file(again.fd(), "again");
    RunWriter second_writer(second_file);
    second_writer.begin_partition();
    std::vector<Part> written;
    written.push_back({std::make_unique<MemoryFile>(merged.content()), facts.offset, facts.stored});
    const Rewriter second = merge_parts(written, second_writer);
    require(second.records() == first.records(), "what was written is read");
    require(second.touched() == first.touched(), "the lines are the same");
  } catch (const CorruptRun& error) {
    require(!error.reason.empty(), "an error says its reason");
  }
}

}  // namespace
}  // namespace kubemr::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kubemr::fuzz::run({data, size});
  return 0;
}
