// Merges sorted streams into one stream, in which equal lines are one entry.
#pragma once

#include <vector>

#include "entry.hpp"
#include "pages.hpp"

namespace kubemr {

// A loser tree: each inner node keeps the stream that lost there, so that the next winner costs one comparison per
// level. The nodes contain the prefixes, which decide most comparisons.
class Tournament {
 public:
  explicit Tournament(const std::vector<EntryStream*>& streams) : streams_(streams) {
    for (std::size_t n = 0; n < streams_.size();) {
      if (streams_[n]->advance(left_over_)) {
        ++n;
      } else {
        streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(n));
      }
    }
    nodes_.resize(streams_.size());
    if (!streams_.empty()) winner_ = play(1);
  }

  bool over() const { return streams_.empty() || winner_.stream == nullptr; }
  const Entry& best() const { return winner_.stream->now; }

  void advance() {
    Player player = winner_;
    if (player.stream->advance(left_over_)) {
      player.prefix = player.stream->now.prefix;
    } else {
      player.stream = nullptr;
    }
    for (std::size_t node = (player.leaf + nodes_.size()) / 2; node > 0; node /= 2) {
      if (beats(nodes_[node], player)) std::swap(nodes_[node], player);
    }
    winner_ = player;
  }

 private:
  struct Player {
    u64 prefix;
    EntryStream* stream;  // nullptr after the end of the stream
    std::size_t leaf;
  };

  static bool beats(const Player& a, const Player& b) {
    if (a.stream == nullptr || b.stream == nullptr) return a.stream != nullptr;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return compare_behind_prefix(a.stream->now, b.stream->now) < 0;
  }

  // The leaves of the tree are the numbers from size to 2 * size - 1.
  Player play(std::size_t node) {
    if (node >= nodes_.size()) {
      const std::size_t leaf = node - nodes_.size();
      return {streams_[leaf]->now.prefix, streams_[leaf], leaf};
    }
    Player winner = play(2 * node);
    Player loser = play(2 * node + 1);
    if (beats(loser, winner)) std::swap(winner, loser);
    nodes_[node] = loser;
    return winner;
  }

  std::vector<EntryStream*> streams_;
  std::vector<Player> nodes_;
  Player winner_{};
  Pages left_over_;
};

// A single stream with the interface of a Tournament.
template <typename Stream>
class Walkover {
 public:
  explicit Walkover(Stream& stream) : stream_(stream) { advance(); }

  bool over() const { return over_; }
  const Entry& best() const { return stream_.now; }
  void advance() { over_ = !stream_.advance(left_over_); }

 private:
  Stream& stream_;
  Pages left_over_;
  bool over_ = false;
};

// Passes each distinct line once to `sink`, and tells whether the line begins a new key.
template <typename Contest, typename Sink>
void drain_into(Contest contest, Sink& sink) {
  if (contest.over()) return;
  Entry entry = contest.best();
  bool begins_key = true;
  for (contest.advance(); !contest.over(); contest.advance()) {
    const Entry& next = contest.best();
    if (same_line(entry, next)) {
      // The bytes of `next` stay valid until the next step. The bytes of `entry` may be in a block that was left.
      const u64 count = entry.count + next.count;
      entry = next;
      entry.count = count;
      continue;
    }
    sink.add(entry, begins_key);
    begins_key = !same_key(entry, next);
    entry = next;
  }
  sink.add(entry, begins_key);
}

template <typename Stream, typename Sink>
void pass_on(Stream& stream, Sink& sink) {
  if constexpr (Stream::kDistinct && !Sink::kAsksForKeys) {
    Pages left_over;
    while (stream.advance(left_over)) sink.add(stream.now, false);
  } else {
    drain_into(Walkover(stream), sink);
  }
}

template <typename Sink>
void merge(const std::vector<EntryStream*>& streams, Sink& sink) {
  if (streams.size() == 1) return pass_on(*streams[0], sink);
  drain_into(Tournament(streams), sink);
}

}  // namespace kubemr
