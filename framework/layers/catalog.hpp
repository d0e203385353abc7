// The layers a graph file can name. A value, passed around: a program outside the tree adds its own to a copy.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "framework/core/catalog.hpp"
#include "framework/layers/layer.hpp"
#include "framework/layers/window.hpp"

namespace strata {

/// Reads a node's attributes, each by name, and complains about what nobody asked for.
class Attributes {
 public:
  /// `node` is named in every error; `object` must be a JSON object.
  Attributes(std::string node, nlohmann::ordered_json object);

  /// The attribute `name`, or `fallback`. Throws UsageError if it has another type.
  Index integer(const std::string& name, Index fallback);
  double real(const std::string& name, double fallback);
  bool boolean(const std::string& name, bool fallback);
  std::string text(const std::string& name, const std::string& fallback);
  /// A number or an array of numbers.
  std::vector<double> reals(const std::string& name, const std::vector<double>& fallback);
  /// A whole number for rows and columns alike, or an array of two.
  Extents extents(const std::string& name, const Extents& fallback);
  /// As those above, but must be there.
  Index required_integer(const std::string& name);
  Extents required_extents(const std::string& name);

  /// Throws UsageError naming an attribute that nothing above asked for.
  void finish() const;

 private:
  const nlohmann::ordered_json* take(const std::string& name);

  std::string node_;
  nlohmann::ordered_json object_;
  std::vector<std::string> asked_;
};

/// Attributes and shapes of inputs that a layer can be made with.
struct LayerExample {
  nlohmann::ordered_json attributes;
  std::vector<Shape> inputs;
};

struct LayerEntry {
  static constexpr const char* kind = "layer type";
  std::string name;  ///< as the "type" of a node
  std::string summary;
  std::function<std::shared_ptr<const Layer>(Attributes&)> make;
  std::vector<LayerExample> examples = {};  ///< what the conformance suite tries it with: small, one at least
};

using LayerCatalog = CatalogOf<LayerEntry>;

/// Every layer of the framework.
LayerCatalog builtin_layers();

}  // namespace strata
