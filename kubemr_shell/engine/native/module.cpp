// The Python module: converts arguments and results. Every call that may take long runs without the GIL.
#include <nanobind/nanobind.h>

#include "collector.hpp"
#include "exclusive.hpp"
#include "file_scan.hpp"
#include "merger.hpp"
#include "python_errors.hpp"
#include "python_record_scanner.hpp"
#include "python_values.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace kubemr {
namespace {

u64 checked_partitions(long long partitions) {
  if (partitions < 1 || partitions > static_cast<long long>(kMaxPartitions)) {
    throw std::invalid_argument("partitions must be in 1.." + std::to_string(kMaxPartitions) + ", not " +
                                std::to_string(partitions));
  }
  return static_cast<u64>(partitions);
}

class PyCollector {
 public:
  PyCollector(long long partitions, const nb::bytes& separator, long long key_fields, u64 memory_bytes,
              u64 max_record_bytes, const nb::str& spill_dir)
      : collector_({checked_partitions(partitions), std::string(separator.c_str(), separator.size()), key_fields,
                    memory_bytes, max_record_bytes, path_bytes(spill_dir)}) {}

  bool drain(int fd, int cancel_fd) {
    return exclusive_.run([&] { return collector_.drain(fd, cancel_fd); });
  }

  PyOutputFacts write_output(int fd) {
    return to_python(exclusive_.run([&] { return collector_.write_output(fd); }));
  }

  void reset() {
    exclusive_.run([&] { collector_.reset(); });
  }

  void close() {
    exclusive_.run([&] { collector_.close(); });
  }

  u64 records() const { return collector_.records(); }
  u64 raw_bytes() const { return collector_.raw_bytes(); }
  u64 spilled_bytes() const { return collector_.spilled_bytes(); }
  u64 moved() const { return collector_.moved(); }

 private:
  Collector collector_;
  Exclusive exclusive_;
};

class PyMerger {
 public:
  PyMerger(const nb::iterable& sources, u64 memory_bytes, const nb::str& scratch_dir)
      : merger_(to_native(sources), memory_bytes, path_bytes(scratch_dir)) {}

  PyFed feed(int fd, int cancel_fd) {
    return to_python(exclusive_.run([&] { return merger_.feed(fd, cancel_fd); }));
  }

  u64 moved() const { return merger_.moved(); }

 private:
  static std::vector<Source> to_native(const nb::iterable& sources) {
    std::vector<Source> native;
    for (const nb::handle item : sources) {
      const auto& source = nb::cast<const PySource&>(item);
      native.push_back({path_bytes(source.path), source.offset, source.length});
    }
    return native;
  }

  Merger merger_;
  Exclusive exclusive_;
};

u32 partition_of_key(const nb::bytes& key, long long partitions) {
  return partition_of(reinterpret_cast<const u8*>(key.c_str()), key.size(), checked_partitions(partitions));
}

nb::tuple scan(int fd, u64 offset, u64 length) {
  Scan result;
  {
    const nb::gil_scoped_release released;
    result = scan_file(fd, offset, length);
  }
  return nb::make_tuple(result.crc, result.newlines);
}

NB_MODULE(_native, module) {
  // When a process ends by an error, its frames still hold our objects. This is no leak: a warning would only hide the
  // error.
  nb::set_leak_warnings(false);
  // The same number as in kubemr_shell/engine/version.py. Raise both with each change of the interface.
  module.attr("VERSION") = 2;
  register_errors();
  bind_values(module);
  bind_record_scanner(module);

  nb::class_<PyCollector>(module, "Collector")
      .def(nb::init<long long, const nb::bytes&, long long, u64, u64, const nb::str&>(), nb::kw_only(), "partitions"_a,
           "separator"_a, "key_fields"_a, "memory_bytes"_a, "max_record_bytes"_a, "spill_dir"_a)
      .def("drain", &PyCollector::drain, "fd"_a, "cancel_fd"_a)
      .def("write_output", &PyCollector::write_output, "fd"_a)
      .def("reset", &PyCollector::reset)
      .def("close", &PyCollector::close)
      .def_prop_ro("records", &PyCollector::records)
      .def_prop_ro("raw_bytes", &PyCollector::raw_bytes)
      .def_prop_ro("spilled_bytes", &PyCollector::spilled_bytes)
      .def_prop_ro("moved", &PyCollector::moved);

  nb::class_<PyMerger>(module, "Merger")
      .def(nb::init<const nb::iterable&, u64, const nb::str&>(), "sources"_a, nb::kw_only(), "memory_bytes"_a,
           "scratch_dir"_a)
      .def("feed", &PyMerger::feed, "fd"_a, "cancel_fd"_a)
      .def_prop_ro("moved", &PyMerger::moved);

  module.def("partition_of", &partition_of_key, "key"_a, "partitions"_a);
  module.def("scan", &scan, "fd"_a, "offset"_a, "length"_a);
  module.def("count_byte", &count_byte_of_file, "fd"_a, "offset"_a, "length"_a, "byte"_a,
             nb::call_guard<nb::gil_scoped_release>());
  module.def("count_lines", &count_lines_of_file, "fd"_a, "offset"_a, "length"_a,
             nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace
}  // namespace kubemr
