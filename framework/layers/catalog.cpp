#include "framework/layers/catalog.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/layers/activation.hpp"
#include "framework/layers/conv2d.hpp"
#include "framework/layers/dense.hpp"
#include "framework/layers/norm.hpp"
#include "framework/layers/pool.hpp"
#include "framework/layers/resample.hpp"
#include "framework/layers/structural.hpp"

namespace strata {

Attributes::Attributes(std::string node, nlohmann::ordered_json object)
    : node_(std::move(node)), object_(std::move(object)) {}

const nlohmann::ordered_json* Attributes::take(const std::string& name) {
  asked_.push_back(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

Index Attributes::integer(const std::string& name, Index fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (!v->is_number_integer()) {
    throw UsageError(cat("node '", node_, "': ", name, " = ", v->dump(), ": expected a whole number"));
  }
  return v->get<Index>();
}

Index Attributes::required_integer(const std::string& name) {
  if (!object_.contains(name))
    throw UsageError(cat("node '", node_, "': ", name, " is missing: expected a whole number"));
  return integer(name, 0);
}

Extents Attributes::extents(const std::string& name, const Extents& fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (v->is_number_integer()) return {v->get<Index>(), v->get<Index>()};
  if (v->is_array() && v->size() == 2 && (*v)[0].is_number_integer() && (*v)[1].is_number_integer()) {
    return v->get<Extents>();
  }
  throw UsageError(cat("node '", node_, "': ", name, " = ", v->dump(),
                       ": expected a whole number, or an array of two for rows and columns"));
}

Extents Attributes::required_extents(const std::string& name) {
  if (!object_.contains(name)) {
    throw UsageError(cat("node '", node_, "': ", name, " is missing: expected a whole number or an array of two"));
  }
  return extents(name, {});
}

double Attributes::real(const std::string& name, double fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (!v->is_number()) throw UsageError(cat("node '", node_, "': ", name, " = ", v->dump(), ": expected a number"));
  return v->get<double>();
}

bool Attributes::boolean(const std::string& name, bool fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (!v->is_boolean())
    throw UsageError(cat("node '", node_, "': ", name, " = ", v->dump(), ": expected true or false"));
  return v->get<bool>();
}

std::string Attributes::text(const std::string& name, const std::string& fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (!v->is_string()) throw UsageError(cat("node '", node_, "': ", name, " = ", v->dump(), ": expected a string"));
  return v->get<std::string>();
}

std::vector<double> Attributes::reals(const std::string& name, const std::vector<double>& fallback) {
  const auto* v = take(name);
  if (!v) return fallback;
  if (v->is_number()) return {v->get<double>()};
  const bool numbers = v->is_array() && std::all_of(v->begin(), v->end(), [](const auto& x) { return x.is_number(); });
  if (!numbers) throw UsageError(cat("node '", node_, "': ", name, ": expected a number or an array of numbers"));
  return v->get<std::vector<double>>();
}

void Attributes::finish() const {
  for (const auto& item : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
      throw UsageError(cat("node '", node_, "': ", unknown_name("attribute", item.key(), asked_)));
    }
  }
}

namespace {

Window pool_window(Attributes& a) {
  Window window{.size = a.required_extents("size")};
  window.stride = a.extents("stride", window.size);
  window.padding = a.extents("padding", {0, 0});
  return window;
}

void add_image_layers(LayerCatalog& catalog) {
  using Json = nlohmann::ordered_json;
  // In the images of these sizes, as the suite draws them, no two pixels of a window are closer than the steps of its central
  // differences in float: at a tie max_pool has no derivative.
  const std::vector<LayerExample> pooled = {
      {Json{{"size", 2}}, {{2, 6, 4}}},
      {Json{{"size", 2}}, {{2, 5, 5}}},
      {Json{{"size", {3, 2}}, {"stride", {2, 1}}, {"padding", {1, 0}}}, {{2, 5, 5}}},
      {Json{{"size", 3}, {"stride", 2}, {"padding", 1}}, {{2, 5, 5}}}};
  catalog.add({"max_pool", "largest of each window; size, stride (size), padding (0): numbers or [rows, columns]",
               [](Attributes& a) { return std::make_shared<MaxPool>(pool_window(a)); }, pooled});
  catalog.add({"average_pool",
               "mean of each window; size, stride (size), padding (0, counts as zeros): numbers or [rows, columns]",
               [](Attributes& a) { return std::make_shared<AveragePool>(pool_window(a)); }, pooled});
  catalog.add({"global_average_pool",
               "mean of each channel, as a flat vector",
               [](Attributes&) { return std::make_shared<GlobalAveragePool>(); },
               {{Json::object(), {{3, 2, 2}}}, {Json::object(), {{2, 5, 7}}}}});
  catalog.add({"zero_pad",
               "zeros around each channel; padding: a number or [rows, columns]",
               [](Attributes& a) { return std::make_shared<ZeroPad>(a.required_extents("padding")); },
               {{Json{{"padding", 1}}, {{2, 3, 5}}}, {Json{{"padding", {0, 2}}}, {{1, 3, 2}}}}});
  catalog.add({"resize",
               "images of another size; height, width, mode (nearest): nearest or bilinear",
               [](Attributes& a) {
                 const Index height = a.required_integer("height");
                 const Index width = a.required_integer("width");
                 return std::make_shared<Resize>(Extents{height, width}, a.text("mode", "nearest"));
               },
               {{Json{{"height", 5}, {"width", 3}}, {{2, 3, 5}}},
                {Json{{"height", 7}, {"width", 2}, {"mode", "bilinear"}}, {{2, 3, 5}}},
                {Json{{"height", 6}, {"width", 9}, {"mode", "bilinear"}}, {{1, 3, 4}}}}});
}

}  // namespace

LayerCatalog builtin_layers() {
  using Json = nlohmann::ordered_json;
  const Json none = Json::object();
  LayerCatalog catalog;
  catalog.add({"dense",
               "y = W x + b; units, bias (true), init (xavier_normal), gain (1)",
               [](Attributes& a) {
                 const Index units = a.required_integer("units");
                 const bool bias = a.boolean("bias", true);
                 const std::string init = a.text("init", "xavier_normal");
                 return std::make_shared<Dense>(units, bias, init, a.real("gain", 1));
               },
               {{Json{{"units", 5}}, {{4}}}, {Json{{"units", 3}, {"bias", false}}, {{4}}}}});
  catalog.add(
      {"conv2d",
       "convolution of images; channels and size, stride (1), padding (0), dilation (1), each a number or [rows, "
       "columns], groups (1), bias (true), init (xavier_normal), gain (1)",
       [](Attributes& a) {
         Conv2d::Options o;
         o.channels = a.required_integer("channels");
         o.window.size = a.required_extents("size");
         o.window.stride = a.extents("stride", {1, 1});
         o.window.padding = a.extents("padding", {0, 0});
         o.window.dilation = a.extents("dilation", {1, 1});
         o.groups = a.integer("groups", 1);
         o.bias = a.boolean("bias", true);
         o.init = a.text("init", "xavier_normal");
         o.gain = a.real("gain", 1);
         return std::make_shared<Conv2d>(o);
       },
       {{Json{{"channels", 3}, {"size", 3}, {"padding", 1}}, {{2, 5, 7}}},
        {Json{{"channels", 4}, {"size", {2, 3}}, {"stride", {2, 3}}, {"padding", {1, 2}}, {"groups", 2}}, {{4, 5, 6}}},
        {Json{{"channels", 2}, {"size", {3, 2}}, {"stride", 2}, {"padding", 2}, {"dilation", {2, 3}}, {"bias", false}},
         {{3, 6, 5}}},
        {Json{{"channels", 3}, {"size", 1}}, {{5, 3, 4}}},
        {Json{{"channels", 3}, {"size", 1}, {"stride", 2}}, {{2, 5, 4}}},
        {Json{{"channels", 5}, {"size", {3, 4}}}, {{2, 3, 4}}}}});
  for (const std::string& name : activation_names()) {
    catalog.add({name,
                 "elementwise activation",
                 [name](Attributes&) { return make_activation(name); },
                 {{none, {{4}}}, {none, {{2, 2, 3}}}}});
  }
  catalog.add({"add",
               "sum of two or more inputs of one shape",
               [](Attributes&) { return std::make_shared<Add>(); },
               {{none, {{4}, {4}}}, {none, {{2, 3}, {2, 3}, {2, 3}}}}});
  catalog.add({"concat",
               "flat inputs stacked",
               [](Attributes&) { return std::make_shared<Concat>(); },
               {{none, {{4}, {1}, {6}}}}});
  catalog.add({"flatten",
               "the input as one flat vector",
               [](Attributes&) { return std::make_shared<Flatten>(); },
               {{none, {{2, 2, 3}}}}});
  catalog.add({"dropout",
               "drops inputs in training; rate (0.5)",
               [](Attributes& a) { return std::make_shared<Dropout>(a.real("rate", 0.5)); },
               {{Json{{"rate", 0.4}}, {{7}}}}});
  catalog.add(
      {"batch_norm",
       "each channel over the batch and its positions; epsilon (1e-5), momentum (0.1) of the running statistics",
       [](Attributes& a) {
         const double epsilon = a.real("epsilon", 1e-5);
         return std::make_shared<BatchNorm>(epsilon, a.real("momentum", 0.1));
       },
       {{none, {{5}}}, {Json{{"epsilon", 0.1}, {"momentum", 0.3}}, {{3, 3, 5}}}}});
  catalog.add({"layer_norm",
               "all features of each sample together; epsilon (1e-5)",
               [](Attributes& a) { return std::make_shared<LayerNorm>(a.real("epsilon", 1e-5)); },
               {{none, {{7}}}, {Json{{"epsilon", 0.1}}, {{3, 3, 5}}}}});
  catalog.add({"group_norm",
               "groups of channels of each sample; groups, epsilon (1e-5)",
               [](Attributes& a) {
                 const Index groups = a.required_integer("groups");
                 return std::make_shared<GroupNorm>(groups, a.real("epsilon", 1e-5));
               },
               {{Json{{"groups", 3}}, {{15}}}, {Json{{"groups", 2}, {"epsilon", 0.1}}, {{6, 3, 5}}}}});
  catalog.add({"normalize",
               "(x − mean)/sd; mean (0) and sd (1), a number or one a feature",
               [](Attributes& a) {
                 const auto mean = a.reals("mean", {0});
                 return std::make_shared<Normalize>(mean, a.reals("sd", {1}));
               },
               {{Json{{"mean", 0.3}, {"sd", 0.7}}, {{2, 2, 3}}}}});
  add_image_layers(catalog);
  return catalog;
}

}  // namespace strata
