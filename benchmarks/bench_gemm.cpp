// Matrix products in the shapes of training: forward W·x, pull-back Wᵀ·dy, weight gradient dy·xᵀ, named by the sizes
// m×n×k of an m×n result. Beside Strata's gemm and gemm_blocks the same by Eigen and, where it is installed, OpenBLAS,
// each on one thread. Run it without the variables OPENBLAS_*, which overrule OpenBLAS's choice of kernels:
// bench_gemm, or a part: bench_gemm --benchmark_filter=gradient/512x512
#include <dlfcn.h>

#include <memory>
#include <set>
#include <tuple>

#include "benchmarks/bench.hpp"
#include "benchmarks/bench_training.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::bench {
namespace {

// What cblas.h declares, so that neither it nor the library is needed to build.
enum Cblas { column_major = 102, plain = 111, transposed = 112 };
using Sgemm = void (*)(int order, int op_a, int op_b, int m, int n, int k, float alpha, const float* a, int lda,
                       const float* b, int ldb, float beta, float* c, int ldc);
using SetThreads = void (*)(int threads);
using CoreName = const char* (*)();

// OpenBLAS's sgemm, set to one thread; null where it is not installed.
Sgemm openblas() {
  static_assert(std::is_same_v<Scalar, float>);
  void* library = dlopen("/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto set_threads = reinterpret_cast<SetThreads>(dlsym(library, "openblas_set_num_threads"));
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
  if (set_threads == nullptr || sgemm == nullptr) return nullptr;
  set_threads(1);
  // They differ by a factor of two: say which ones were compared.
  const auto core = reinterpret_cast<CoreName>(dlsym(library, "openblas_get_corename"));
  if (core != nullptr) benchmark::AddCustomContext("OpenBLAS's kernels", core());
  return sgemm;
}

struct Product {
  std::string name;
  Op op_a, op_b;
  Matrix a, b;
  Eigen::MatrixXd exact, bound;  // the product, and how far from it rounding may lead at most
  Matrix c;

  Product(const char* kind, Op op_of_a, Op op_of_b, Index m, Index n, Index k)
      : name(cat(kind, "/", m, "x", n, "x", k)), op_a(op_of_a), op_b(op_of_b),
        a(op_a == Op::none ? Matrix(m, k) : Matrix(k, m)), b(op_b == Op::none ? Matrix(k, n) : Matrix(n, k)), c(m, n) {
    Rng(1, "a").fill_normal(mut_view(a), 0, 1);
    Rng(1, "b").fill_normal(mut_view(b), 0, 1);
    Eigen::MatrixXd x = a.cast<double>(), y = b.cast<double>();
    if (op_a == Op::transposed) x.transposeInPlace();
    if (op_b == Op::transposed) y.transposeInPlace();
    exact.noalias() = x * y;
    const double error = static_cast<double>(k) * std::numeric_limits<Scalar>::epsilon();
    bound.noalias() = error * x.cwiseAbs() * y.cwiseAbs();
  }

  double operations() const { return 2.0 * static_cast<double>(exact.size() * k()); }
  Index k() const { return op_a == Op::none ? a.cols() : a.rows(); }

  bool right() const { return ((c.cast<double>() - exact).array().abs() <= bound.array()).all(); }
};

using Multiply = void (*)(Product&);

void by_gemm(Product& p) { gemm(p.op_a, view(p.a), p.op_b, view(p.b), mut_view(p.c)); }

// A block is only looked at while it is in the cache, which is what a training step does with it.
void by_gemm_blocks(Product& p) {
  gemm_blocks(p.op_a, view(p.a), p.op_b, view(p.b), 1,
              [](Index, Index, MutView block) { benchmark::DoNotOptimize(block.data()); });
}

void by_gemm_blocks_kept(Product& p) {
  gemm_blocks(p.op_a, view(p.a), p.op_b, view(p.b), 1,
              [&](Index row, Index col, MutView block) { p.c.block(row, col, block.rows(), block.cols()) = block; });
}

void by_eigen(Product& p) {
  if (p.op_a == Op::transposed) p.c.noalias() = p.a.transpose() * p.b;
  else if (p.op_b == Op::transposed) p.c.noalias() = p.a * p.b.transpose();
  else p.c.noalias() = p.a * p.b;
}

Sgemm sgemm = nullptr;

void by_openblas(Product& p) {
  const auto size = [](Index i) { return static_cast<int>(i); };
  const auto op = [](Op o) { return o == Op::none ? plain : transposed; };
  sgemm(column_major, op(p.op_a), op(p.op_b), size(p.c.rows()), size(p.c.cols()), size(p.k()), 1, p.a.data(),
        size(p.a.rows()), p.b.data(), size(p.b.rows()), 0, p.c.data(), size(p.c.rows()));
}

void measure(benchmark::State& state, const std::shared_ptr<Product>& product, Multiply multiply, Multiply checked,
             int threads) {
  with_threads(threads, [&] {
    product->c.setConstant(quiet_nan);
    checked(*product);
    if (!product->right()) return fail(state, "the product is wrong");
    const double seconds = timed(state, [&] {
      multiply(*product);
      benchmark::ClobberMemory();
    });
    count_operations(state, product->operations(), seconds, threads);
  });
}

void add(const char* kind, Op op_a, Op op_b, Index m, Index n, Index k) {
  const auto product = std::make_shared<Product>(kind, op_a, op_b, m, n, k);
  const auto by = [&](const char* what, Multiply multiply, Multiply checked, int threads) {
    benchmark::RegisterBenchmark(cat(product->name, "/", what, "/threads:", threads).c_str(), measure, product,
                                 multiply, checked, threads)
        ->UseRealTime()
        ->MinTime(0.1)
        ->Unit(benchmark::kMicrosecond);
  };
  const int most = std::min(2, hardware_threads());
  for (int threads = 1; threads <= most; ++threads) by("gemm", by_gemm, by_gemm, threads);
  // Of the three only gradients are not kept.
  for (int threads = 1; op_b == Op::transposed && threads <= most; ++threads) {
    by("gemm_blocks", by_gemm_blocks, by_gemm_blocks_kept, threads);
  }
  by("eigen", by_eigen, by_eigen, 1);
  if (sgemm != nullptr) by("openblas", by_openblas, by_openblas, 1);
}

}  // namespace

void register_benchmarks() {
  sgemm = openblas();
  std::set<std::tuple<Index, Index, Index>> seen;
  for (const NetShape& net : net_shapes()) {
    const std::vector<std::pair<Index, Index>> layers{{net.width, 784}, {net.width, net.width}, {10, net.width}};
    for (const auto& [outputs, inputs] : layers) {
      if (!seen.emplace(outputs, inputs, net.batch).second) continue;
      add("forward", Op::none, Op::none, outputs, net.batch, inputs);
      if (inputs != 784) add("pull_back", Op::transposed, Op::none, inputs, net.batch, outputs);  // none into the data
      add("gradient", Op::none, Op::transposed, outputs, inputs, net.batch);
    }
  }
}

}  // namespace strata::bench
