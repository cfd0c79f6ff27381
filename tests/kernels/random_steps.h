// Steps that are made up at random, repeated, and changed now and then, as CUDA graphs: what they compute is followed
// on the host.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace counterpoise::random_steps {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  int below(int n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(n));
  }
  bool one_in(int n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

// A tensor, and the number that all of its elements should be. Undefined at first.
struct Followed {
  Tensor tensor;
  float number = 0;
};

constexpr int slots = 6, outside = 3;  // tensors of a step; and such that outlive it, among them its results
constexpr std::array<Index, 3> sizes = {40, 700, 5000};

struct Instruction {
  enum Kind { fill, upload, add, drop, give, take, accumulate, branch, wait, within, fail, kinds } kind;
  int a, b, size, number;
};

inline Instruction random_instruction(Random& random) {
  // The last three are rare: a step that has one is never a graph.
  const int kind = random.one_in(40) ? Instruction::wait + random.below(3) : random.below(Instruction::wait);
  return {static_cast<Instruction::Kind>(kind), random.below(slots), random.below(slots), random.below(3),
          random.below(5) + 1};
}

using Script = std::vector<Instruction>;

// What steps work on: kept tensors, two of each size that sum up, one of them aside, and others that steps fill and
// use.
struct World {
  Backend& backend = *cuda_backend();
  std::array<Followed, 3> sums, aside;
  std::array<Followed, outside> kept;

  World() {
    for (std::array<Followed, 3>* const all : {&sums, &aside}) {
      for (size_t i = 0; i < sizes.size(); ++i) (*all)[i].tensor = Tensor::zeros(backend, {sizes[i]}, DType::f32);
    }
  }
  bool is_right(const Followed& x) const {
    if (!x.tensor.defined()) return true;
    for (const float v : x.tensor.to_vector<float>()) {
      if (v != x.number) return false;
    }
    return true;
  }
  bool is_right() const {
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (!is_right(sums[i]) || !is_right(aside[i])) return false;
    }
    for (const Followed& x : kept) {
      if (!is_right(x)) return false;
    }
    return true;
  }
  // dst += factor src, where both are there and of the same size.
  void add(Followed& dst, const Followed& src, int factor) {
    if (!dst.tensor.defined() || !src.tensor.defined() || &dst == &src || dst.tensor.size() != src.tensor.size())
      return;
    if (!dst.tensor.unique()) return;  // two slots share it
    backend.add_scaled(factor, src.tensor, dst.tensor);
    dst.number += static_cast<float>(factor) * src.number;
  }
  static size_t size_index(const Followed& x) {
    return static_cast<size_t>(std::find(sizes.begin(), sizes.end(), x.tensor.size()) - sizes.begin());
  }
  Followed full(Index size, float number) { return {Tensor::full(backend, {size}, number, DType::f32), number}; }
  // Adds a and a number aside; beside it releases a, which becomes a tensor that is made of others.
  void branch(Followed& a, Index size, float number) {
    if (!a.tensor.defined()) return;
    backend.aside([&] {
      Followed t = full(a.tensor.size(), number);
      add(t, a, 1);
      add(aside[size_index(a)], t, 1);
    });
    a = full(size, number);
    {
      const Followed more = full(size, 2);
      add(a, more, 3);
    }
    const Followed most = full(size, 1);
    add(a, most, 1);
    backend.rejoin();
  }
  // `time` changes the arguments of the same script from step to step.
  void run(const Script& script, int time, StepGraph& graph) {
    std::array<Followed, slots> t;
    for (const Instruction& i : script) {
      Followed &a = t[i.a], &b = t[i.b], &other = kept[i.b % outside];
      const float number = static_cast<float>((i.number + time) % 7);
      switch (i.kind) {
        case Instruction::fill:
          a = full(sizes[i.size], number);
          break;
        case Instruction::branch:
          branch(a, sizes[i.size], number);
          break;
        case Instruction::upload:
          a = {Tensor::from(backend, {sizes[i.size]}, std::vector<float>(sizes[i.size], number)), number};
          break;
        case Instruction::add:
          add(a, b, (i.number + time) % 3 - 1);
          break;
        case Instruction::drop:
          a = Followed();
          break;
        case Instruction::give:
          other = a;
          break;
        case Instruction::take:
          a = std::exchange(other, Followed());
          break;
        case Instruction::accumulate:
          if (a.tensor.defined()) add(sums[size_index(a)], a, 1);
          break;
        case Instruction::wait:
          CHECK(is_right(a));
          break;
        case Instruction::within:
          graph.run([&] { a = full(sizes[i.size], number); });
          break;
        default:
          throw Error(ErrorKind::failure, "as it was made up");
      }
    }
  }
};

struct Counts {
  int64_t steps = 0, as_graph = 0;
};

// Takes memory from the GPU, or none, for one step, and gives it back; true if there is less.
struct Scarcity {
  virtual ~Scarcity() = default;
  virtual bool begin(Random&) { return false; }
  virtual void end() {}
};

// 60 steps of the two graphs that this seed makes up. Where memory is scarce, a step ends at what does not suffice.
inline Counts run(uint64_t seed, Scarcity&& scarcity = {}) {
  CAPTURE(seed);
  Counts counts;
  Random random(seed);
  Backend& backend = *cuda_backend();
  ComputeMode mode;
  mode.graphs = true;
  backend.set_mode(mode);
  backend.reset_memory_peaks();
  const size_t before = backend.memory_peaks().allocated;
  {
    World world;
    std::array<Script, 2> scripts;
    std::array<std::unique_ptr<StepGraph>, 2> graphs;
    for (int g = 0; g < 2; ++g) {
      graphs[g] = backend.make_step_graph();
      for (int i = 5 + random.below(25); i > 0; --i) scripts[g].push_back(random_instruction(random));
    }
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      const int g = random.one_in(4);
      Script script = scripts[g];
      if (script.size() > 1 && random.one_in(10)) {
        const auto at = script.begin() + random.below(static_cast<int>(script.size()));
        if (random.one_in(2)) *at = random_instruction(random);
        else script.erase(at);
        if (random.one_in(3)) scripts[g] = script;  // from now on
      }
      const bool scarce = scarcity.begin(random);
      try {
        graphs[g]->run([&] { world.run(script, step, *graphs[g]); });
      } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::failure || (scarce && error.kind() == ErrorKind::out_of_memory)));
      }
      scarcity.end();
      ++counts.steps;
      if (random.one_in(3)) CHECK(world.is_right());
      if (random.one_in(40)) {
        counts.as_graph += std::stoi(graphs[g]->summary());
        graphs[g] = backend.make_step_graph();
      }
    }
    for (const auto& graph : graphs) counts.as_graph += std::stoi(graph->summary());
    CHECK(world.is_right());
  }
  backend.reset_memory_peaks();
  CHECK(backend.memory_peaks().allocated == before);
  backend.set_mode({});
  return counts;
}

}  // namespace counterpoise::random_steps
