// The Python class of the scanner of records.
#pragma once

#include <nanobind/nanobind.h>

namespace kubemr {

void bind_record_scanner(nanobind::module_& module);

}  // namespace kubemr
