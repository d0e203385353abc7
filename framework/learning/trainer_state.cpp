// A trainer's state as data: what a checkpoint holds.
#include "framework/core/errors.hpp"
#include "framework/io/record_json.hpp"
#include "framework/learning/trainer.hpp"

namespace strata {
namespace {

using Json = nlohmann::json;

Json matrices(const std::vector<Matrix>& all) {
  Json j = Json::array();
  for (const Matrix& m : all) j.push_back(to_json(m));
  return j;
}

std::vector<Matrix> matrices(const Json& j) {
  std::vector<Matrix> all;
  for (const Json& m : j) all.push_back(matrix_from_json(m));
  return all;
}

}  // namespace

Json Trainer::state() const {
  Json parameters = Json::array();
  for (ParamId id = 0; id < registry_.size(); ++id) {
    parameters.push_back({{"name", registry_[id].name},
                          {"value", to_json(registry_.value(id))},
                          {"slots", matrices(slots_[static_cast<std::size_t>(id)])}});
  }
  Json groups = Json::object();
  for (const Group& g : groups_) groups[g.name] = g.steps;
  Json j{{"parameters", std::move(parameters)},
         {"groups", std::move(groups)},
         {"best_values", matrices(best_values_)},
         {"previous_weights", matrices(previous_weights_)},
         {"step", step_},
         {"train_steps", train_steps_},
         {"passes", passes_},
         {"multiply_adds_per_step", multiply_adds_per_step_},
         {"epoch", epoch_},
         {"best_epoch", best_epoch_},
         {"training", Json::array()},
         {"layers", Json::array()},
         {"rule", Json::array()}};
  for (const auto& row : training_) j["training"].push_back(to_json(row));
  for (const auto& row : layer_metrics_) j["layers"].push_back(to_json(row));
  for (const auto& row : rule_metrics_) j["rule"].push_back(to_json(row));
  return j;
}

void Trainer::restore(const Json& j) {
  try {
    const Json& parameters = j.at("parameters");
    if (parameters.size() != static_cast<std::size_t>(registry_.size())) {
      throw DataError(cat("the checkpoint has ", parameters.size(), " parameters, this run ", registry_.size()));
    }
    for (ParamId id = 0; id < registry_.size(); ++id) {
      const Json& p = parameters[static_cast<std::size_t>(id)];
      Matrix value = matrix_from_json(p.at("value"));
      auto slots = matrices(p.at("slots"));
      Matrix& target = registry_.value(id);
      auto& own_slots = slots_[static_cast<std::size_t>(id)];
      if (p.at("name") != registry_[id].name || value.rows() != target.rows() || value.cols() != target.cols() ||
          slots.size() != own_slots.size()) {
        throw DataError(cat("the checkpoint's parameter ", p.at("name").dump(), " is ", value.rows(), " × ",
                            value.cols(), " with ", slots.size(), " slots, this run's '", registry_[id].name, "' ",
                            target.rows(), " × ", target.cols(), " with ", own_slots.size()));
      }
      target = std::move(value);
      own_slots = std::move(slots);
    }
    for (Group& g : groups_) g.steps = j.at("groups").at(g.name);
    best_values_ = matrices(j.at("best_values"));
    previous_weights_ = matrices(j.at("previous_weights"));
    step_ = j.at("step");
    train_steps_ = j.at("train_steps");
    passes_ = j.at("passes");
    multiply_adds_per_step_ = j.at("multiply_adds_per_step");
    epoch_ = j.at("epoch");
    best_epoch_ = j.at("best_epoch");
    training_.clear();
    layer_metrics_.clear();
    rule_metrics_.clear();
    for (const Json& row : j.at("training")) training_.push_back(epoch_metrics_from_json(row));
    for (const Json& row : j.at("layers")) layer_metrics_.push_back(layer_metrics_from_json(row));
    for (const Json& row : j.at("rule")) rule_metrics_.push_back(rule_metrics_from_json(row));
  } catch (const Json::exception& e) {
    throw DataError(cat("the checkpoint does not hold what this version needs: ", e.what()));
  }
}

}  // namespace strata
