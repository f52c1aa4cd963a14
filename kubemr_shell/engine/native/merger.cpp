#include "merger.hpp"

#include <memory>

#include "merge.hpp"
#include "run_reader.hpp"

namespace kubemr {
namespace {

FileReader reader_of(const std::string& path, int scratch_fd) {
  return scratch_fd < 0 ? FileReader(path) : FileReader(scratch_fd, path);
}

}  // namespace

Merger::Merger(std::vector<Source> sources, u64 memory_bytes, std::string scratch_folder)
    : sources_(std::move(sources)), budget_(memory_bytes), scratch_folder_(std::move(scratch_folder)) {
  std::erase_if(sources_, [](const Source& source) { return source.length == 0; });
}

Fed Merger::feed(int fd, int cancel_fd) {
  const CancelSwitch cancel(cancel_fd);
  return kubemr::feed(fd, cancel, &moved_, [&](LineFeed& lines) { merge_all(lines, cancel); });
}

std::vector<Merger::Run> Merger::runs_of_sources() const {
  std::vector<Run> runs;
  for (const Source& source : sources_) {
    const std::size_t largest = source.length <= kBlockBytes
                                    ? static_cast<std::size_t>(source.length)
                                    : RunReader::largest_block(FileReader(source.path), source.offset, source.length);
    runs.push_back({source, largest, -1});
  }
  return runs;
}

template <typename Sink>
void Merger::merge_all(Sink& sink, const CancelSwitch& cancel) {
  std::vector<Run> runs = runs_of_sources();
  OpenFile scratch;
  std::optional<FileWriter> file;
  for (std::size_t size; (size = budget_.group(runs)) < runs.size();) {
    if (!file) {
      scratch = OpenFile::unnamed(scratch_folder_);
      file.emplace(scratch.fd(), scratch_folder_ + "/(unnamed scratch file)");
    }
    RunWriter writer(*file);
    writer.begin_partition();
    merge_runs(runs, size, writer, cancel);
    const PartitionFacts facts = writer.end_partition();
    writer.flush();
    runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(size));
    runs.push_back({{file->name(), facts.offset, facts.stored}, writer.largest_block(), scratch.fd()});
  }
  merge_runs(runs, runs.size(), sink, cancel);
}

template <typename Sink>
void Merger::merge_runs(const std::vector<Run>& runs, std::size_t size, Sink& sink, const CancelSwitch& cancel) {
  std::vector<std::unique_ptr<RunReader>> readers;
  std::vector<EntryStream*> streams;
  for (std::size_t n = 0; n < size; ++n) {
    const Source& source = runs[n].source;
    readers.push_back(
        std::make_unique<RunReader>(reader_of(source.path, runs[n].scratch_fd), source.offset, source.length, cancel));
    streams.push_back(readers.back().get());
  }
  merge(streams, sink);
}

}  // namespace kubemr
