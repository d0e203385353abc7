// Loading Fashion-MNIST from its gzip files, and gathering its mini-batches in the order of an epoch.
// Run: bench_data (needs Debian's package dataset-fashion-mnist)
#include <cmath>
#include <optional>

#include "benchmarks/bench.hpp"
#include "datasets/datasets.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::bench {
namespace {

constexpr const char* checksum = "82e7561f2632c974";

Dataset load() { return builtin_datasets().at("fashion-mnist").load(""); }

std::string wrong(const Dataset& data) {
  if (data.train.size() != 60'000 || data.test.size() != 10'000 || data.features() != 784 || data.classes != 10) {
    return "not 60,000 + 10,000 images of 784 values in 10 classes";
  }
  if (data.checksum != checksum) return cat("checksum ", data.checksum, ", expected ", checksum);
  return "";
}

// Null where there are no data; the reason then is in `why`.
const Dataset* loaded(std::string& why) {
  static std::optional<Dataset> data;
  try {
    if (!data) data = load();
    why = wrong(*data);
  } catch (const DataError& e) {
    why = e.what();
  }
  return why.empty() ? &*data : nullptr;
}

void load_images(benchmark::State& state) {
  std::string why;
  if (loaded(why) == nullptr) return fail(state, why);
  std::optional<Dataset> data;
  const double seconds = timed(state, [&] { data = load(); });
  if (const std::string fault = wrong(*data); !fault.empty()) return fail(state, fault);
  const auto images = static_cast<double>(data->train.size() + data->test.size());
  state.counters["images/s"] = images / seconds;
  state.counters["MB/s"] = images * static_cast<double>(data->features()) / seconds / 1e6;  // of unpacked bytes
}

// The sum of all values, weighted by label so that images which get the wrong labels are noticed.
double weighted_sum(const auto& x, std::span<const std::int32_t> labels) {
  double sum = 0;
  for (Index c = 0; c < x.cols(); ++c) {
    sum += x.col(c).template cast<double>().sum() * (1 + labels[static_cast<std::size_t>(c)]);
  }
  return sum;
}

void gather(benchmark::State& state, Index batch_size, int threads) {
  std::string why;
  const Dataset* data = loaded(why);
  if (data == nullptr) return fail(state, why);
  std::vector<Index> all(static_cast<std::size_t>(data->train.size()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i);
  const std::vector<Index> order = epoch_order(all, 0, 0);
  const auto size = static_cast<std::size_t>(batch_size);
  BatchBuffer buffer(*data, batch_size);
  const auto at = [&](std::size_t first) {
    return buffer.gather(data->train, std::span(order).subspan(first, std::min(size, order.size() - first)));
  };
  with_threads(threads, [&] {
    double sum = 0;
    for (std::size_t first = 0; first < order.size(); first += size) {
      const Batch batch = at(first);
      sum += weighted_sum(batch.x, batch.labels);
      for (Index c = 0; c < batch.size(); ++c) {
        const auto label = static_cast<Index>(batch.labels[static_cast<std::size_t>(c)]);
        if (batch.one_hot.col(c).sum() != 1 || batch.one_hot(label, c) != 1) return fail(state, "one_hot is wrong");
      }
    }
    // The order of summation differs, and with it the last bits.
    const double expected = weighted_sum(data->train.x, data->train.labels);
    if (std::abs(sum - expected) > 1e-9 * expected) return fail(state, "an epoch's batches do not sum to the data");

    std::size_t first = 0;
    const double seconds = timed(state, [&] {
      benchmark::DoNotOptimize(at(first).x.data());
      first = first + 2 * size <= order.size() ? first + size : 0;  // whole batches only
    });
    const auto examples = static_cast<double>(batch_size);
    state.counters["examples/s"] = examples / seconds;
    state.counters["GB/s"] = examples * static_cast<double>(data->features() * Index{sizeof(Scalar)}) / seconds / 1e9;
  });
}

}  // namespace

void register_benchmarks() {
  benchmark::RegisterBenchmark("load_gzip", load_images)->Iterations(3)->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const Index batch : {32, 64, 128}) {
    for (const int threads : thread_counts()) {
      benchmark::RegisterBenchmark(cat("gather/batch:", batch, "/threads:", threads).c_str(), gather, batch, threads)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace strata::bench
