// mixnet._core: what the Python package has compiled. Private; mixnet/__init__.py is what people
// call, and says what the functions do. Arguments come checked for type and shape; values are
// checked here, by the same code as the program's flags.
//
// mixnet::Error becomes mixnet.Error, std::bad_alloc MemoryError. What may last is run_watched().
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/error.h"
#include "base/parallel.h"
#include "cli/answers.h"
#include "cli/sweep_points.h"
#include "compare/circuit_plan.h"
#include "sweep/sweep.h"
#include "sweep/sweep_folder.h"
#include "watched_work.h"

namespace mixnet {
namespace {

namespace py = pybind11;

/// What the command answers in JSON, and its notes.
std::pair<std::string, std::vector<std::string>> answer(const std::string& command,
                                                        const std::vector<std::string>& words,
                                                        const py::object& tell, bool draws) {
  cli::Answer answer;
  run_watched({tell, draws}, [&] { answer = cli::answer(command, words); });
  return {std::move(answer.json), std::move(answer.notes)};
}

/// Bytes; servers x servers.
using DemandArray = py::array_t<std::int64_t, py::array::c_style>;

py::array_t<std::int32_t> counts_of(const CircuitPlan& plan) {
  const auto servers = static_cast<py::ssize_t>(plan.counts.rows());
  py::array_t<std::int32_t> counts({servers, servers});
  std::ranges::copy(plan.counts.cells(), counts.mutable_data());
  return counts;
}

/// A row for each: server_a, nic_a, server_b, nic_b.
py::array_t<std::int32_t> circuits_of(const CircuitPlan& plan) {
  py::array_t<std::int32_t> circuits({static_cast<py::ssize_t>(plan.circuits.size()), {4}});
  std::int32_t* next = circuits.mutable_data();
  for (const Circuit& circuit : plan.circuits) {
    *next++ = circuit.server_a;
    *next++ = circuit.nic_a;
    *next++ = circuit.server_b;
    *next++ = circuit.nic_b;
  }
  return circuits;
}

py::object seconds(Time time) {
  if (time == Time::max()) return py::none();
  return py::float_(time.to_seconds());
}

py::dict plan_demand(const DemandArray& demand, int degree, int eps_nics,
                     const std::string& bandwidth, std::vector<int> numa_of_nic,
                     const std::string& allocator, std::int64_t budget, const py::object& tell,
                     bool draws) {
  const auto servers = static_cast<std::size_t>(demand.shape(0));
  CircuitPlanRequest request;
  request.demand = ServerDemand(servers, servers);
  std::copy_n(demand.data(), servers * servers, request.demand.cells().data());
  request.degree = degree;
  request.eps_nics = eps_nics;
  request.bandwidth = parse_bandwidth(bandwidth, "bandwidth");
  request.numa_of_nic = std::move(numa_of_nic);
  request.allocator = parse<AllocatorKind>(allocator, "allocator");
  request.budget = budget;
  CircuitPlan plan;
  run_watched({tell, draws}, [&] { plan = plan_circuits(std::move(request)); });
  using namespace pybind11::literals;
  return py::dict("circuits"_a = circuits_of(plan), "counts"_a = counts_of(plan),
                  "all_to_all_seconds"_a = seconds(plan.time.whole()),
                  "circuits_seconds"_a = seconds(plan.time.circuits),
                  "eps_seconds"_a = seconds(plan.time.eps),
                  "balanced_seconds"_a = seconds(plan.balanced),
                  "lower_bound_seconds"_a = seconds(plan.lower_bound),
                  "pairs_without_circuit"_a = plan.time.eps_pairs,
                  "bytes_without_circuit"_a = plan.time.eps_bytes.count);
}

/// cli::run_points() for `caller`, on whatever thread.
std::vector<PointOutcome> run_points(Caller* caller, const PointArguments& points, int threads) {
  const CallerScope scope(caller);
  try {
    return cli::run_points(points, threads);
  } catch (const Stopped&) {
    return {};  // the sweep has ended, and takes no more outcomes
  }
}

/// Leaves its rows in the folder `out`.
void sweep_study(const std::string& text, const std::string& input, const std::string& out,
                 int threads, bool retry_failed, const py::object& tell, bool draws) {
  run_watched({tell, draws}, [&] {
    const SweepPlan plan = cli::plan_sweep(text, input);
    SweepFolder folder(out, plan, plan.identity("mixnet " MIXNET_VERSION, cli::study_flags()), text,
                       {.retry_failed = retry_failed});
    SweepOptions options;
    options.threads = threads == 0 ? default_threads() : threads;
    Caller* const caller = current_caller();
    options.interrupted = [caller] { return caller->is_stopped(); };
    const auto runner = [caller](const PointArguments& points, int workers) {
      return run_points(caller, points, workers);
    };
    run_sweep(plan, folder, cli::point_group, runner, options);
  });
}

/// Error as mixnet.Error. It may quote a file's bytes, which need not be UTF-8.
void register_error(py::module_& module) {
  // As long as the process, as the module itself.
  static PyObject* type = py::exception<Error>(module, "Error", PyExc_ValueError).release().ptr();
  py::handle(type).attr("__module__") = "mixnet";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const Error& error) {
      const std::string_view line = error.what();
      const auto size = static_cast<py::ssize_t>(line.size());
      const auto text = py::reinterpret_steal<py::object>(
          PyUnicode_DecodeUTF8(line.data(), size, "backslashreplace"));
      PyErr_SetObject(type, text.ptr());
    }
  });
}

}  // namespace
}  // namespace mixnet

PYBIND11_MODULE(_core, module) {
  namespace py = pybind11;
  using namespace pybind11::literals;
  mixnet::register_error(module);
  module.attr("version") = MIXNET_VERSION;
  module.def("answer", &mixnet::answer, "command"_a, "words"_a, "tell"_a, "draws"_a);
  module.def("plan", &mixnet::plan_demand, "demand"_a, "degree"_a, "eps_nics"_a, "bandwidth"_a,
             "numa_of_nic"_a, "allocator"_a, "budget"_a, "tell"_a, "draws"_a);
  module.def("sweep", &mixnet::sweep_study, "text"_a, "input"_a, "out"_a, "threads"_a,
             "retry_failed"_a, "tell"_a, "draws"_a);
}
