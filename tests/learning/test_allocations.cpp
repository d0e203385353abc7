// A steady training step takes no memory from the heap: every allocation of the program is counted between two steps.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"
#include "tests/support/learning.hpp"

namespace {
std::atomic<long> allocations{0};
}

// The C library's own allocator under its other names.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = memalign(alignment, size);
  return *out != nullptr ? 0 : ENOMEM;
}
}

using namespace strata;
using namespace strata::testing;

namespace {

// The most allocations between two steps of the second epoch, the first steps of its passes left out.
// With a normalisation behind each hidden layer, unless "".
long worst_step(const RuleEntry& entry, const std::string& optimizer, int threads, const std::string& norm = "") {
  Setting s({.features = 100, .train = 1200}, 200, {150, 140, 130});
  s.train.batch = 100;
  if (!norm.empty()) s.edit = [&](GraphSpec& spec) { normalise_hidden(spec, norm); };
  const auto trainer = s.trainer(entry, {{"optimizer", optimizer}, {"lr", "1e-3"}});
  long worst = 0;
  with_threads(threads, [&] {
    // A thread that joins late, on a busy machine, brings allocations of its own with it: all are waited for.
    std::atomic<int> here{0};
    parallel_for(threads, [&](Index) {
      ++here;
      while (here < threads) std::this_thread::yield();
    });
    train(*trainer, 1);
    long before = -1;
    int step = 0;
    trainer->next_epoch([&] {
      const long now = allocations;
      if (step++ % 10 > 2) worst = std::max(worst, now - before);  // ten a pass; a pass begins with a permutation
      before = allocations;
      return false;
    });
    BOOST_TEST(step >= 10);
  });
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_counter_counts) {
  const long before = allocations;
  const auto number = std::make_unique<int>(1);
  const Matrix matrix(10, 10);
  BOOST_TEST(allocations - before >= 2);
}

BOOST_AUTO_TEST_CASE(no_rule_allocates_in_a_steady_step) {
  const Catalog catalog = builtin_catalog();
  for (const RuleEntry& entry : catalog.entries()) {
    for (int threads = 1; threads <= std::min(2, hardware_threads()); ++threads) {
      BOOST_TEST_CONTEXT(entry.name << ", " << threads << " threads") {
        BOOST_TEST(worst_step(entry, "adam", threads) == 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_normalisation_allocates_in_a_steady_step) {
  const Catalog catalog = builtin_catalog();
  for (const char* norm : {"batch_norm", "layer_norm"}) {
    for (const char* rule : {"backprop", "dtp", "predictive_coding"}) {
      BOOST_TEST_CONTEXT(norm << ", " << rule) { BOOST_TEST(worst_step(catalog.at(rule), "adam", 2, norm) == 0); }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_optimizer_allocates_in_a_steady_step) {
  const Catalog catalog = builtin_catalog();
  for (const OptimizerInfo& info : optimizer_catalog()) {
    BOOST_TEST_CONTEXT(info.name) { BOOST_TEST(worst_step(catalog.at("backprop"), info.name, 1) == 0); }
  }
}
