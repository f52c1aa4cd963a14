#include "python_values.hpp"

#include <nanobind/stl/tuple.h>

#include <tuple>

namespace nb = nanobind;
using namespace nb::literals;

namespace kubemr {
namespace {

template <typename Value>
void add_value_methods(nb::class_<Value>& type) {
  type.def("__eq__", [](const Value& self, nb::handle other) -> nb::object {
    if (!nb::isinstance<Value>(other)) return nb::borrow(Py_NotImplemented);
    return nb::bool_(self.fields().equal(nb::cast<const Value&>(other).fields()));
  });
  type.def("__hash__", [](const Value& self) { return nb::hash(self.fields()); });
  type.def("__repr__", [](const Value& self) { return nb::str(Value::kFormat).attr("format")(*self.fields()); });
}

}  // namespace

PyFed to_python(const Fed& fed) {
  const nb::bytes key(fed.heaviest_key.data(), fed.heaviest_key.size());
  return {fed.records, fed.raw_bytes, fed.keys, key, fed.heaviest_records, nb::str(fed.end)};
}

PyOutputFacts to_python(std::vector<PartitionFacts> partitions) {
  PyOutputFacts facts{0, 0, 0, 0, {}};
  for (const PartitionFacts& part : partitions) {
    facts.records += part.records;
    facts.raw_bytes += part.raw_bytes;
    facts.entries += part.entries;
    facts.stored_bytes += part.stored;
  }
  facts.parts = std::move(partitions);
  return facts;
}

nb::bytes PyOutputFacts::lengths() const {
  std::vector<u8> packed(parts.size() * sizeof(u64));
  for (std::size_t n = 0; n < parts.size(); ++n) store64(packed.data() + n * sizeof(u64), parts[n].stored);
  return nb::bytes(packed.data(), packed.size());
}

nb::list PyOutputFacts::partitions() const {
  nb::list list;
  for (const PartitionFacts& part : parts)
    list.append(nb::make_tuple(part.offset, part.stored, part.records, part.raw_bytes));
  return list;
}

void bind_values(nb::module_& module) {
  nb::class_<PySource> source(module, "Source");
  source
      .def(
          "__init__",
          [](PySource* self, nb::str path, u64 offset, u64 length) {
            new (self) PySource{std::move(path), offset, length};
          },
          "path"_a, "offset"_a, "length"_a)
      .def_ro("path", &PySource::path)
      .def_ro("offset", &PySource::offset)
      .def_ro("length", &PySource::length);
  add_value_methods(source);

  nb::class_<PyFed> fed(module, "Fed");
  fed.def(
         "__init__",
         [](PyFed* self, u64 records, u64 raw_bytes, u64 keys, nb::bytes heaviest_key, u64 heaviest_records,
            nb::str end) {
           new (self) PyFed{records, raw_bytes, keys, std::move(heaviest_key), heaviest_records, std::move(end)};
         },
         nb::kw_only(), "records"_a, "raw_bytes"_a, "keys"_a, "heaviest_key"_a, "heaviest_records"_a, "end"_a)
      .def_ro("records", &PyFed::records)
      .def_ro("raw_bytes", &PyFed::raw_bytes)
      .def_ro("keys", &PyFed::keys)
      .def_ro("heaviest_key", &PyFed::heaviest_key)
      .def_ro("heaviest_records", &PyFed::heaviest_records)
      .def_ro("end", &PyFed::end);
  add_value_methods(fed);

  nb::class_<PyOutputFacts> facts(module, "OutputFacts");
  facts
      .def(
          "__init__",
          [](PyOutputFacts* self, u64 records, u64 raw_bytes, u64 entries, u64 stored_bytes,
             const nb::list& partitions) {
            new (self) PyOutputFacts{records, raw_bytes, entries, stored_bytes, {}};
            for (const nb::handle item : partitions) {
              const auto [offset, stored, part_records, part_bytes] = nb::cast<std::tuple<u64, u64, u64, u64>>(item);
              self->parts.push_back({offset, stored, 0, part_records, part_bytes});
            }
          },
          nb::kw_only(), "records"_a, "raw_bytes"_a, "entries"_a, "stored_bytes"_a, "partitions"_a)
      .def_ro("records", &PyOutputFacts::records)
      .def_ro("raw_bytes", &PyOutputFacts::raw_bytes)
      .def_ro("entries", &PyOutputFacts::entries)
      .def_ro("stored_bytes", &PyOutputFacts::stored_bytes)
      .def_prop_ro("lengths", &PyOutputFacts::lengths)
      .def_prop_ro("partitions", &PyOutputFacts::partitions);
  add_value_methods(facts);
}

}  // namespace kubemr
