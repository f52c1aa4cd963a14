// The values that Python passes and gets. They are frozen, and compared and shown by their fields.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "block.hpp"
#include "feed.hpp"

namespace kubemr {

struct PySource {
  static constexpr const char* kFormat = "Source(path={!r}, offset={!r}, length={!r})";

  nanobind::str path;
  u64 offset;
  u64 length;

  nanobind::tuple fields() const { return nanobind::make_tuple(path, offset, length); }
};

struct PyFed {
  static constexpr const char* kFormat =
      "Fed(records={!r}, raw_bytes={!r}, keys={!r}, heaviest_key={!r}, heaviest_records={!r}, end={!r})";

  u64 records;
  u64 raw_bytes;
  u64 keys;
  nanobind::bytes heaviest_key;
  u64 heaviest_records;
  nanobind::str end;

  nanobind::tuple fields() const {
    return nanobind::make_tuple(records, raw_bytes, keys, heaviest_key, heaviest_records, end);
  }
};

struct PyOutputFacts {
  static constexpr const char* kFormat =
      "OutputFacts(records={!r}, raw_bytes={!r}, entries={!r}, stored_bytes={!r}, partitions={!r})";

  u64 records;
  u64 raw_bytes;
  u64 entries;
  u64 stored_bytes;
  std::vector<PartitionFacts> parts;  // packed: Python objects for 100,000 partitions would take 20 MB

  nanobind::bytes lengths() const;
  nanobind::list partitions() const;
  nanobind::tuple fields() const {
    return nanobind::make_tuple(records, raw_bytes, entries, stored_bytes, partitions());
  }
};

PyFed to_python(const Fed& fed);
PyOutputFacts to_python(std::vector<PartitionFacts> partitions);

void bind_values(nanobind::module_& module);

}  // namespace kubemr
