// Converts C++ exceptions to the classes of kubemr_shell.errors, and paths to and from Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace kubemr {

// Makes the module raise the Python class for each exception of errors.hpp.
void register_errors();

// Returns the bytes of a path. Surrogates stand for bytes that are not UTF-8 (PEP 383).
std::string path_bytes(nanobind::handle path);
nanobind::object path_text(const std::string& bytes);

}  // namespace kubemr
