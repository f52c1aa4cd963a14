// C++ exceptions as the classes of kubemr_shell.errors, and paths as Python has them.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace kubemr {

// Makes the module raise Python's classes for what errors.hpp has.
void register_errors();

// The bytes of a path; surrogates stand for bytes that are no UTF-8, as everywhere in Python.
std::string path_bytes(nanobind::handle path);
nanobind::object path_text(const std::string& bytes);

}  // namespace kubemr
