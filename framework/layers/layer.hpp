// What a layer is. Immutable once built; it knows nothing of learning rules, parameters' owners or threads.
//
// The backward half is split in two, and pull_back takes the *transport weights* as an argument. Backprop pulls back
// with W itself, feedback alignment with a fixed B, sign symmetry with s·sign(W); no layer knows which rule runs.
//
// Shapes: x[i] is features × B, one sample a column; y likewise. dy may have m·B columns, column k·B + b belonging to
// sample b: many cotangents at once, for the analysis layer.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/shape.hpp"
#include "framework/core/types.hpp"
#include "framework/graph/initializer.hpp"
#include "framework/learning/batch.hpp"

namespace strata {

/// A parameter that a layer needs: its short name ("weight"), size and start.
struct ParamSpec {
  std::string name;
  Index rows, cols;
  Initializer init;
};

/// Scratch of one node that forward writes and the backward half reads (a dropout mask, the winners of a pooling).
struct Aux {
  Matrix data;
};

/// A Ctx that knows at which node the layer stands, so that two dropout layers draw different masks.
struct NodeCtx {
  const Ctx& ctx;
  std::string_view node;
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// The name of its kind in graph files: "dense".
  virtual std::string type() const = 0;

  /// Its attributes as they stand in a graph file (without name, type and inputs).
  virtual nlohmann::ordered_json attributes() const { return nlohmann::ordered_json::object(); }

  /// Output shape for these inputs. Throws ShapeError naming the shapes that do not fit.
  virtual Shape infer(std::span<const Shape> in) const = 0;

  /// Parameters for these inputs, in the order in which Params and the gradients of param_grad come.
  virtual std::vector<ParamSpec> params(std::span<const Shape> in) const;

  /// True if each output feature depends on the same feature of the inputs alone (activations, add, dropout): such a
  /// node belongs to the neurons of the layer before it.
  virtual bool elementwise() const { return false; }

  /// Multiply-adds of forward for one sample.
  virtual double multiply_adds(std::span<const Shape> in) const;

  /// y = f(w, x). Overwrites y, and aux where the layer uses it.
  virtual void forward(const NodeCtx&, Views w, Views x, MutView y, Aux& aux) const = 0;

  /// dx[i] += (∂y/∂x[i])ᵀ dy with the transport weights w, any of the right shapes. An unwanted dx[i] is no_view().
  virtual void pull_back(Views w, Views x, View y, const Aux& aux, View dy, MutViews dx) const = 0;

  /// g[p] += scale·(∂y/∂w[p])ᵀ dy, summed over the batch. dy has B columns.
  virtual void param_grad(Views x, View y, const Aux& aux, View dy, MutViews g, Scalar scale) const;

  /// dy = Σ_i (∂y/∂x[i]) dx[i] + Σ_p (∂y/∂w[p]) dw[p], the derivative along a direction (JVP), for forward gradients.
  /// Overwrites dy. A dx[i] or dw[p] without data stands for 0. By default throws UnsupportedError.
  virtual void push_forward(Views w, Views x, View y, const Aux& aux, Views dx, Views dw, MutView dy) const;
};

}  // namespace strata
