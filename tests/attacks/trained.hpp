// A small net that has learnt something, and a hundred of the examples that it learnt from.
#pragma once

#include "framework/attacks/oracle.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

namespace strata::testing {

struct Trained {
  Setting setting{{.features = 12, .classes = 5, .clusters = 3, .train = 400, .test = 10}, 60, {16, 16}};
  Bench bench{setting.graph(), "cross_entropy", builtin("backprop")};
  TrueOracle oracle{bench.model, *bench.rule};
  BatchBuffer buffer{setting.data, 100};

  Trained() {
    const auto trainer = setting.trainer(builtin("backprop"));
    train(*trainer, 5);
    for (ParamId id = 0; id < bench.registry.size(); ++id) bench.registry.value(id) = trainer->registry().value(id);
  }

  Batch batch() {
    const Batch b = buffer.gather(setting.data.train, std::span(setting.split.train).first(100));
    return {b.x, b.one_hot, b.labels, b.ids, -100, 100};  // clusters have no range
  }
};

}  // namespace strata::testing
