// Reads the entries of a range of whole blocks, and checks everything that it reads.
#pragma once

#include "block.hpp"
#include "cancel.hpp"
#include "entry.hpp"
#include "file_reader.hpp"
#include "pages.hpp"

namespace kubemr {

class RunReader final : public EntryStream {
 public:
  RunReader(FileReader file, u64 offset, u64 length, const CancelSwitch& cancel)
      : file_(std::move(file)), next_(offset), end_(offset + length), cancel_(cancel) {}

  bool advance(Pages& left_over) override {
    if (entries_left_ == 0) {
      if (at_ != payload_end_) corrupt("the entries do not fill their block");
      if (next_ == end_) return false;
      buffer_.swap(left_over);
      load_block();
    }
    parse_entry();
    --entries_left_;
    return true;
  }

  // Returns the payload bytes of the largest block of a range. Only headers are read; the reader checks the blocks.
  static std::size_t largest_block(const FileReader& file, u64 offset, u64 length) {
    const u64 end = offset + length;
    std::size_t largest = 0;
    u8 header[kHeaderBytes];
    while (offset < end && file.read(header, kHeaderBytes, kHeaderBytes, offset) == kHeaderBytes &&
           load32(header) == kBlockMagic) {
      const u64 stored = load32(header + 4);
      offset += kHeaderBytes + stored;
      if (offset <= end) largest = std::max<std::size_t>(largest, stored);
    }
    return largest;
  }

 private:
  void load_block() {
    cancel_.check();
    block_ = next_;
    const u64 left = end_ - block_;
    if (left < kHeaderBytes) corrupt("a block's header has 24 bytes, the range " + std::to_string(left) + " more");
    // One read fetches a block of usual size. The first bytes of the next block are fetched too, and later read again.
    const auto usual = static_cast<std::size_t>(std::min<u64>(left, kBlockBytes));
    make_room(usual);
    std::size_t got = file_.read(buffer_.data(), kHeaderBytes, usual, block_);
    if (got < kHeaderBytes) cut_off(got);
    const u64 stored = check_header(left - kHeaderBytes);
    if (got < kHeaderBytes + stored) {
      make_room(kHeaderBytes + stored);
      const std::size_t missing = kHeaderBytes + stored - got;
      const std::size_t more = file_.read(buffer_.data() + got, missing, missing, block_ + got);
      if (more < missing) cut_off(got + more);
    }
    check_block(stored);
    next_ = block_ + kHeaderBytes + stored;
  }

  void make_room(std::size_t bytes) {
    // A much larger buffer has held a long line. It is released at once: the next reader may need as much memory.
    const std::size_t size = bytes + kSlack;
    if (buffer_.size() < size || buffer_.size() > 2 * kBlockBytes + size) buffer_.resize(size);
    allow_all(buffer_.data(), buffer_.size());
  }

  u64 check_header(u64 room) const {
    const u8* const header = buffer_.data();
    if (load32(header) != kBlockMagic) corrupt("no block begins here");
    const u64 stored = load32(header + 4);
    if (stored > room) corrupt("a block of " + std::to_string(stored) + " bytes does not fit into the range");
    return stored;
  }

  void check_block(u64 stored) {
    const u8* const header = buffer_.data();
    const u8* const payload = header + kHeaderBytes;
    if (crc32(crc32(0, header, kChecked), payload, stored) != load32(header + kChecked)) {
      corrupt("the block's checksum is wrong");
    }
    if (load32(header + 16) != kCodecNone || load32(header + 8) != stored) {
      corrupt("a block of codec " + std::to_string(header[16]) + " cannot be read by this version");
    }
    entries_left_ = load32(header + 12);
    if (entries_left_ == 0) corrupt("the block has no entries");
    at_ = payload;
    payload_end_ = payload + stored;
    allow_lines(buffer_.data(), kHeaderBytes + stored, buffer_.size());
  }

  void parse_entry() {
    u64 count;
    u64 key_length;
    u64 rest_length;
    const u8* at = at_;
    if (payload_end_ - at >= 3 && ((at[0] | at[1] | at[2]) < 0x80)) [[likely]] {
      count = at[0];
      key_length = at[1];
      rest_length = at[2];
      at += 3;
    } else {
      at = read_number(at, payload_end_, count);
      if (at != nullptr) at = read_number(at, payload_end_, key_length);
      if (at != nullptr) at = read_number(at, payload_end_, rest_length);
      if (at == nullptr) corrupt("an entry does not end in its block");
    }
    const auto left = static_cast<u64>(payload_end_ - at);
    if (key_length > left || rest_length > left - key_length) corrupt("an entry does not end in its block");
    if (count == 0) corrupt("an entry stands for no record");
    now = {key_prefix(at, key_length), at, static_cast<u32>(key_length + rest_length), static_cast<u32>(key_length),
           count};
    at_ = at + key_length + rest_length;
  }

  [[noreturn]] void corrupt(const std::string& reason) const { throw CorruptRun{file_.name(), block_, reason}; }

  [[noreturn]] void cut_off(std::size_t got) const {
    throw CorruptRun{file_.name(), block_ + got, "the file ends in the middle of a block"};
  }

  FileReader file_;
  u64 block_ = 0;  // the offset of the current block
  u64 next_;
  u64 end_;
  const CancelSwitch& cancel_;
  Pages buffer_;
  const u8* at_ = nullptr;
  const u8* payload_end_ = nullptr;
  u32 entries_left_ = 0;
};

}  // namespace kubemr
