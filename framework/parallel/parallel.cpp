#include "framework/parallel/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "framework/parallel/subnormals.hpp"
#include "framework/parallel/team.hpp"

#ifndef STRATA_STD_THREADS
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#endif

namespace strata {
namespace {
thread_local int threads_here = 1;
thread_local Team* team_here = nullptr;

class Here {
 public:
  Here(int threads, Team* team) : threads_(threads_here), team_(team_here) {
    threads_here = threads;
    team_here = team;
  }
  ~Here() {
    threads_here = threads_;
    team_here = team_;
  }
  Here(const Here&) = delete;
  Here& operator=(const Here&) = delete;

 private:
  int threads_;
  Team* team_;
};

// What a member of the team does.
void follow(Team& team, int member) {
  const FlushSubnormals flush;
  team.serve(member);
}

// Does the work as the one who calls loops; then, also if it threw, sends the members home and waits for them.
void lead(Team& team, int threads, FunctionRef<void()> work, FunctionRef<void()> wait_for_members) {
  const auto dismiss = [&] {
    team.close();
    wait_for_members();
  };
  try {
    const Here inside(threads, threads > 1 ? &team : nullptr);
    const FlushSubnormals flush;
    work();
  } catch (...) {
    dismiss();
    throw;
  }
  dismiss();
}

}  // namespace

int current_threads() { return threads_here; }

int hardware_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(Index count, TaskBody body) {
  if (team_here == nullptr || count <= 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  team_here->loop(count, [&](Index i) {
    const Here inside(1, nullptr);  // work nested in a body stays inline
    body(i);
  });
}

#ifdef STRATA_STD_THREADS

void with_threads(int threads, const std::function<void()>& work) {
  Team team(threads);
  std::vector<std::thread> members;
  for (int t = 1; t < threads; ++t) members.emplace_back([&team, t] { follow(team, t); });
  lead(team, threads, work, [&] {
    for (auto& member : members) member.join();
  });
}

#else

void with_threads(int threads, const std::function<void()>& work) {
  tbb::task_arena arena(threads);
  arena.execute([&] {
    Team team(threads);
    tbb::task_group members;
    for (int t = 1; t < threads; ++t) members.run([&team, t] { follow(team, t); });
    lead(team, threads, work, [&] { members.wait(); });
  });
}

#endif

void run_many(const std::vector<std::function<void()>>& jobs, int threads) {
  if (jobs.empty()) return;
  const int slots = std::clamp<int>(threads, 1, static_cast<int>(jobs.size()));
  std::atomic<std::size_t> next{0};
  const auto slot = [&](int width) {
    with_threads(width, [&] {
      for (std::size_t i = next.fetch_add(1); i < jobs.size(); i = next.fetch_add(1)) jobs[i]();
    });
  };
  std::vector<std::thread> pool;
  // The threads that do not divide evenly go to the first slots, which take the longest jobs.
  for (int s = 0; s < slots; ++s) pool.emplace_back(slot, threads / slots + (s < threads % slots ? 1 : 0));
  for (auto& thread : pool) thread.join();
}

}  // namespace strata
