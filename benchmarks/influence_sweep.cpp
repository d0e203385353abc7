// Mean |∂a_j/∂a_i| of every hidden neuron j and every upstream neuron i, input included: what compare_influence.sh runs in
// turn with torch_influence.py. Prints one line of JSON; with --dump DIR it writes the weights, the data and the result.
#include <boost/program_options.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "benchmarks/dump.hpp"
#include "benchmarks/peak.hpp"
#include "datasets/datasets.hpp"
#include "framework/analysis/influence.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"

namespace {

using namespace strata;
using namespace strata::bench;
namespace po = boost::program_options;

struct Job {
  std::string activation, dump;
  Index width, depth, examples;
  int threads, rounds;
};

Job parse(int argc, char** argv) {
  Job job;
  po::options_description options("influence_sweep");
  const auto add = [&](const char* name, auto& to, auto value) {
    using T = std::decay_t<decltype(to)>;
    options.add_options()(name, po::value<T>(&to)->default_value(T(value)));
  };
  add("activation", job.activation, "tanh");
  add("dump", job.dump, "");
  add("width", job.width, 256);
  add("depth", job.depth, 5);
  add("examples", job.examples, 256);
  add("threads", job.threads, 1);
  add("rounds", job.rounds, 3);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  po::notify(given);
  return job;
}

void run(const Job& job) {
  const Dataset data = builtin_datasets().at("fashion-mnist").load("");
  MlpSpec spec;
  spec.input = data.sample_shape;
  spec.hidden.assign(static_cast<std::size_t>(job.depth), job.width);
  spec.outputs = data.classes;
  spec.activation = job.activation;
  Registry registry(0);
  const Net net(Graph(mlp_graph(spec)), registry);
  const Neurons neurons(net.graph());
  const Matrix x = data.train.x.leftCols(job.examples);

  std::vector<double> seconds;
  Matrix all = Matrix::Zero(neurons.count(), neurons.count());  // column = target, row = source
  with_threads(job.threads, [&] {
    for (int round = 0; round < job.rounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      const InfluenceAnalysis analysis(net, registry, neurons, view(x));
      for (std::size_t l = 1; l + 1 < neurons.size(); ++l) {
        std::vector<Index> units(static_cast<std::size_t>(neurons[l].units));
        std::iota(units.begin(), units.end(), Index{0});
        Index column = neurons[l].first;
        analysis.influences(l, units, [&](const Influences& in) {
          all.middleCols(column, in.mean_abs.cols()) = in.mean_abs;
          column += in.mean_abs.cols();
        });
      }
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  });
  if (!job.dump.empty()) {
    const std::filesystem::path folder = job.dump;
    std::filesystem::create_directories(folder);
    write_values(folder / "x.f4", x);
    write_values(folder / "influences.f4", all);
    std::ofstream(folder / "job.json") << nlohmann::json{{"parameters", write_parameters(folder, registry)},
                                                         {"features", data.features()},
                                                         {"examples", job.examples},
                                                         {"width", job.width},
                                                         {"depth", job.depth},
                                                         {"neurons", neurons.count()},
                                                         {"activation", job.activation}};
  }
  // A product for each pair of layers that are neither neighbours (there a row of the weights is picked) nor further
  // apart than the net is deep.
  const auto n = static_cast<double>(job.width), d = static_cast<double>(job.depth);
  const double multiply_adds = static_cast<double>(job.examples) * n * n *
                               ((d - 1) * static_cast<double>(data.features()) + n * (d - 1) * (d - 2) / 2);
  std::cout << nlohmann::json{{"seconds", seconds},
                              {"gflop", 2e-9 * multiply_adds},
                              {"peak_gflops", peak_gflops(job.threads)},
                              {"threads", job.threads},
                              {"blas", gemm_backend()}}
                   .dump()
            << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "influence_sweep: " << error.what() << '\n';
    return 2;
  }
}
