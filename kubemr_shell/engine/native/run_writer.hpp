// Writes sorted entries as blocks, and the index and the footer, which follow the last block.
#pragma once

#include <algorithm>
#include <vector>

#include "block.hpp"
#include "entry.hpp"
#include "file_writer.hpp"
#include "pages.hpp"

namespace kubemr {

class RunWriter {
 public:
  static constexpr bool kAsksForKeys = false;
  static constexpr std::size_t kBufferBytes = 2 * kBlockBytes + kSlack;

  explicit RunWriter(FileWriter& file) : file_(file), buffer_(kBufferBytes) {}

  void begin_partition() { facts_ = {position(), 0, 0, 0, 0}; }

  // Takes an entry of a merge. `begins_key` is not used: a run file does not mark the beginning of a key.
  void add(const Entry& entry, bool /*begins_key*/) {
    u8 head[kMaxEntryHead];
    const auto head_bytes = static_cast<std::size_t>(write_head(head, entry) - head);
    const std::size_t need = head_bytes + entry.length;
    if (payload_ > 0 && payload_ + need > kPayloadBytes) close_block();
    if (need > kPayloadBytes) {
      write_alone(entry, head, head_bytes);
    } else {
      if (payload_ == 0) open_block();
      u8* const to = buffer_.data() + filled_ + payload_;
      std::memcpy(to, head, sizeof head);
      copy_line(to + head_bytes, entry.line, entry.length);
      payload_ += need;
      ++entries_;
    }
    ++facts_.entries;
    facts_.records += entry.count;
    facts_.raw_bytes += entry.count * (u64{entry.length} + 1);
  }

  PartitionFacts end_partition() {
    if (payload_ > 0) close_block();
    facts_.stored = position() - facts_.offset;
    return facts_;
  }

  void write_index(const std::vector<PartitionFacts>& partitions) {
    const u64 offset = position();
    flush();
    const auto* const index = reinterpret_cast<const u8*>(partitions.data());
    const std::size_t size = partitions.size() * kIndexEntryBytes;
    file_.write(index, size);
    u8 footer[kFooterBytes];
    std::ranges::copy(kFooterMagic, footer);
    store32(footer + 8, kVersion);
    store32(footer + 12, static_cast<u32>(partitions.size()));
    store64(footer + 16, offset);
    store32(footer + 24, crc32(0, index, size));
    store32(footer + 28, crc32(0, footer, 28));
    file_.write(footer, sizeof footer);
  }

  void flush() {
    file_.write(buffer_.data(), filled_);
    filled_ = 0;
  }

  // Returns the offset of the next block.
  u64 position() const { return file_.position() + filled_; }

  // Returns the payload bytes of the largest block so far.
  std::size_t largest_block() const { return largest_block_; }

 private:
  static u8* write_head(u8* to, const Entry& entry) {
    const u64 rest = entry.length - entry.key_length;
    if ((entry.count | entry.key_length | rest) < 0x80) [[likely]] {
      to[0] = static_cast<u8>(entry.count);
      to[1] = static_cast<u8>(entry.key_length);
      to[2] = static_cast<u8>(rest);
      return to + 3;
    }
    return write_number(write_number(write_number(to, entry.count), entry.key_length), rest);
  }

  void open_block() {
    if (filled_ + kBlockBytes + kSlack > buffer_.size()) flush();
    filled_ += kHeaderBytes;
  }

  void close_block() {
    u8* const header = buffer_.data() + filled_ - kHeaderBytes;
    write_header(header, static_cast<u32>(payload_), entries_);
    const u32 crc = crc32(crc32(0, header, kChecked), header + kHeaderBytes, payload_);
    store32(header + kChecked, crc);
    largest_block_ = std::max(largest_block_, payload_);
    filled_ += payload_;
    payload_ = 0;
    entries_ = 0;
  }

  // Writes an entry that is longer than the payload of a block, as a block of its own, without another copy.
  void write_alone(const Entry& entry, const u8* head, std::size_t head_bytes) {
    flush();
    u8 front[kHeaderBytes + kMaxEntryHead];
    const std::size_t payload = head_bytes + entry.length;
    write_header(front, static_cast<u32>(payload), 1);
    std::memcpy(front + kHeaderBytes, head, head_bytes);
    const u32 crc = crc32(crc32(0, front, kChecked), front + kHeaderBytes, head_bytes);
    store32(front + kChecked, crc32(crc, entry.line, entry.length));
    file_.write(front, kHeaderBytes + head_bytes);
    file_.write(entry.line, entry.length);
    largest_block_ = std::max(largest_block_, payload);
  }

  FileWriter& file_;
  Pages buffer_;
  std::size_t filled_ = 0;   // bytes of the closed blocks, and of the header of the open block
  std::size_t payload_ = 0;  // bytes of the open block
  u32 entries_ = 0;
  std::size_t largest_block_ = 0;
  PartitionFacts facts_{};
};

}  // namespace kubemr
