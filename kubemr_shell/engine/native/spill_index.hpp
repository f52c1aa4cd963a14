// The index of one spilled run: the places of its partitions. The index is in the scratch file behind the run, and is
// read in pieces: the bounds of 100,000 partitions take 800 KB, and there may be hundreds of runs.
#pragma once

#include <algorithm>
#include <vector>

#include "crc32.hpp"
#include "errors.hpp"
#include "file_reader.hpp"
#include "file_writer.hpp"

namespace kubemr {

// A piece has the kStep + 1 bounds of kStep partitions, and a checksum.
class SpillIndex {
 public:
  struct Range {
    u64 begin;
    u64 end;
  };

  SpillIndex() = default;

  // Writes the index of a run. Partition p reaches from bounds[p] to bounds[p + 1].
  SpillIndex(FileWriter& file, const std::vector<u64>& bounds) : begin_(bounds.front()), place_(file.position()) {
    Piece piece;
    for (std::size_t first = 0; first + 1 < bounds.size(); first += kStep) {
      const std::size_t count = std::min(kStep + 1, bounds.size() - first);
      std::fill_n(std::copy_n(bounds.data() + first, count, piece.numbers), kStep + 1 - count, bounds.back());
      piece.crc = checksum(piece, first);
      file.write(reinterpret_cast<const u8*>(&piece), sizeof piece);
    }
    size_ = file.position() - place_;
  }

  // Returns the place of a partition. Fast if the partitions are requested in order, as is usual.
  Range range(u32 partition, const FileReader& file) const {
    const u64 first = partition / kStep * kStep;
    if (pieces_.empty() || first_ != first) load(first, file);
    const u64* const numbers = pieces_[0].numbers + (partition - first);
    return {numbers[0], numbers[1]};
  }

  // Returns the place of the run and its index in the file.
  Range stored() const { return {begin_, place_ + size_}; }

 private:
  static constexpr std::size_t kStep = 254;

  struct Piece {
    u64 numbers[kStep + 1];
    u64 crc;
  };
  static_assert(sizeof(Piece) == 2048);

  static u64 checksum(const Piece& piece, u64 first) {
    const u32 start = crc32(0, reinterpret_cast<const u8*>(&first), sizeof first);
    return crc32(start, reinterpret_cast<const u8*>(piece.numbers), sizeof piece.numbers);
  }

  void load(u64 first, const FileReader& file) const {
    pieces_.resize(1);
    const u64 at = place_ + first / kStep * sizeof(Piece);
    const std::size_t got = file.read(reinterpret_cast<u8*>(pieces_.data()), sizeof(Piece), sizeof(Piece), at);
    if (got < sizeof(Piece) || pieces_[0].crc != checksum(pieces_[0], first)) {
      pieces_ = {};
      throw CorruptRun{file.name(), at, "the index of a spilled run is not what was written"};
    }
    first_ = first;
  }

  u64 begin_ = 0;
  u64 place_ = 0;
  u64 size_ = 0;
  mutable std::vector<Piece> pieces_;  // no piece, or one
  mutable u64 first_ = 0;
};

}  // namespace kubemr
