// The reduce side: merges the runs of one partition into the lines that a command reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "budget.hpp"
#include "feed.hpp"
#include "file_writer.hpp"
#include "open_file.hpp"
#include "run_writer.hpp"

namespace kubemr {

struct Source {
  std::string path;
  u64 offset;
  u64 length;
};

class Merger {
 public:
  Merger(std::vector<Source> sources, u64 memory_bytes, std::string scratch_folder);

  // Writes the lines of all sources, sorted, to `fd`.
  Fed feed(int fd, int cancel_fd);

  u64 moved() const { return moved_.value(); }

 private:
  struct Run {
    Source source;
    std::size_t largest_block;
    int scratch_fd;  // -1 if the source has a path that can be opened
  };

  std::vector<Run> runs_of_sources() const;
  template <typename Sink>
  void merge_all(Sink& sink, const CancelSwitch& cancel);
  template <typename Sink>
  static void merge_runs(const std::vector<Run>& runs, std::size_t size, Sink& sink, const CancelSwitch& cancel);

  std::vector<Source> sources_;
  Budget budget_;
  std::string scratch_folder_;
  Counter moved_;
};

}  // namespace kubemr
