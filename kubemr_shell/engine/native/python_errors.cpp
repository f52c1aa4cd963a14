#include "python_errors.hpp"

#include <system_error>

#include "errors.hpp"

namespace nb = nanobind;

namespace kubemr {
namespace {

nb::object text(const std::string& bytes) {
  PyObject* const made = PyUnicode_DecodeLocale(bytes.c_str(), "surrogateescape");
  if (made == nullptr) nb::raise_python_error();
  return nb::steal(made);
}

// The class is looked up when the error is raised: the import of this module must not import kubemr_shell.errors.
template <typename... Arguments>
void raise_ours(const char* name, Arguments&&... arguments) {
  const nb::object type = nb::module_::import_("kubemr_shell.errors").attr(name);
  const nb::object error = type(std::forward<Arguments>(arguments)...);
  PyErr_SetObject(type.ptr(), error.ptr());
}

void raise_os_error(const OsError& error) {
  const nb::object type = nb::module_::import_("builtins").attr("OSError");
  const nb::object reason = text(std::generic_category().message(error.code));
  // OSError itself chooses its subclass by the error number.
  const nb::object made =
      error.path.empty() ? type(error.code, reason) : type(error.code, reason, path_text(error.path));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
}

void raise_again(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const OutOfSpace& error) {
    raise_ours("OutOfSpace",
               path_text(error.where + ": " + std::generic_category().message(error.code) + ": make room"));
  } catch (const ObjectNotFound& error) {
    raise_ours("ObjectNotFound", path_text(error.path + ": this map output is gone; its map task must run again"));
  } catch (const CorruptRun& error) {
    raise_ours("CorruptRun", path_text(error.path), error.offset, text(error.reason));
  } catch (const RecordTooLarge& error) {
    raise_ours("RecordTooLarge", error.record, error.size, error.limit,
               nb::bytes(error.start.data(), error.start.size()));
  } catch (const OsError& error) {
    raise_os_error(error);
  }
}

}  // namespace

void register_errors() { nb::register_exception_translator(raise_again); }

std::string path_bytes(nb::handle path) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), static_cast<void*>(&encoded)) == 0) nb::raise_python_error();
  const nb::object owned = nb::steal(encoded);
  return {PyBytes_AsString(encoded), static_cast<std::size_t>(PyBytes_Size(encoded))};
}

nb::object path_text(const std::string& bytes) {
  PyObject* const made = PyUnicode_DecodeFSDefaultAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
  if (made == nullptr) nb::raise_python_error();
  return nb::steal(made);
}

}  // namespace kubemr
