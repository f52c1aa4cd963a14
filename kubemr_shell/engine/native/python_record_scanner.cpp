#include "python_record_scanner.hpp"

#include <nanobind/stl/string.h>

#include <stdexcept>

#include "exclusive.hpp"
#include "record_scanner.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace kubemr {
namespace {

class PyRecordScanner {
 public:
  PyRecordScanner(const std::string& format, int mark) : scanner_(format_of(format), static_cast<u8>(mark)) {}

  u64 scan(const nb::bytes& data, u64 most) {
    return exclusive_.run([&] { return scanner_.scan(reinterpret_cast<const u8*>(data.c_str()), data.size(), most); });
  }

  u64 scan_file(int fd, u64 offset, u64 length, u64 most) {
    return exclusive_.run([&] { return scanner_.scan_file(fd, offset, length, most); });
  }

  void end() { scanner_.end(); }
  u64 records() const { return scanner_.state().records; }
  u64 position() const { return scanner_.state().position; }
  int last() const { return scanner_.state().position == 0 ? -1 : scanner_.state().last; }
  std::string damage() const { return scanner_.state().damage == nullptr ? "" : scanner_.state().damage; }
  u64 damage_at() const { return scanner_.state().damage_at; }

 private:
  static Format format_of(const std::string& name) {
    if (name == "end-byte") return Format::kEndByte;
    if (name == "csv") return Format::kCsv;
    if (name == "fasta") return Format::kFasta;
    if (name == "fastq") return Format::kFastq;
    throw std::invalid_argument("kind must be end-byte, csv, fasta or fastq, not " + name);
  }

  RecordScanner scanner_;
  Exclusive exclusive_;
};

}  // namespace

void bind_record_scanner(nb::module_& module) {
  nb::class_<PyRecordScanner>(module, "RecordScanner")
      .def(nb::init<const std::string&, int>(), "kind"_a, "mark"_a)
      .def("scan", &PyRecordScanner::scan, "data"_a, "most"_a)
      .def("scan_file", &PyRecordScanner::scan_file, "fd"_a, "offset"_a, "length"_a, "most"_a)
      .def("end", &PyRecordScanner::end)
      .def_prop_ro("records", &PyRecordScanner::records)
      .def_prop_ro("position", &PyRecordScanner::position)
      .def_prop_ro("last", &PyRecordScanner::last)
      .def_prop_ro("damage", &PyRecordScanner::damage)
      .def_prop_ro("damage_at", &PyRecordScanner::damage_at);
}

}  // namespace kubemr
