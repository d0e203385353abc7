// What a layer is. Immutable once built; it knows nothing of learning rules, parameters' owners or threads.
//
// The backward half is split in two, and pull_back takes the *transport weights* as an argument. Backprop pulls back
// with W itself, feedback alignment with a fixed B, sign symmetry with s·sign(W); no layer knows which rule runs.
//
// Shapes: x[i] is features × B, one sample a column; y likewise. dy may have m·B columns, column k·B + b belonging to
// sample b: many cotangents at once, for the analysis layer.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/shape.hpp"
#include "framework/core/types.hpp"
#include "framework/graph/initializer.hpp"
#include "framework/learning/batch.hpp"
#include "framework/parallel/gemm.hpp"

namespace strata {

/// A parameter that a layer needs: its short name ("weight"), size and start. One that is not trainable is a buffer: only
/// move_statistics changes it.
struct ParamSpec {
  std::string name;
  Index rows, cols;
  Initializer init;
  bool trainable = true;
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

/// What an activation is: a function of one number, the same for each. Any cut of the work gives the same bits.
class Pointwise {
 public:
  virtual ~Pointwise() = default;
  /// y[i] = f(x[i]) for i < n.
  virtual void map(Index n, const Scalar* x, Scalar* y) const = 0;
  /// dx[i] = f′(x[i])·dy[i] with y[i] = f(x[i]); dx may be dy.
  virtual void pull(Index n, const Scalar* x, const Scalar* y, const Scalar* dy, Scalar* dx) const = 0;
};

/// As BlockBody, for parameter p of a layer.
using ParamBlockBody = FunctionRef<void(std::size_t p, Index row, Index col, MutView block)>;

/// Where the gradient of parameter p of a layer is to be written, all of it.
using ParamPlace = FunctionRef<MutView(std::size_t p)>;

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

  /// The same layer made for inputs of these shapes, which infer has accepted, or null if it needs nothing from them.
  /// Views show features only: a layer that must know an image's height and width keeps them in what this returns, and
  /// only that is run.
  virtual std::shared_ptr<const Layer> bound(std::span<const Shape> in) const;

  /// True if each output unit is the same unit of the inputs, changed (activations, add, dropout, normalisation): such a
  /// node belongs to the neurons of the layer before it.
  virtual bool keeps_units() const { return false; }

  /// True if it keeps units, but what one of them is depends on others in evaluation too (normalisation of a sample).
  virtual bool mixes_units() const { return false; }

  /// The function, if the layer maps its one input number by number and does nothing else; null for all others.
  virtual const Pointwise* pointwise() const { return nullptr; }

  /// True if y is x[0] itself, number by number: then y need not be computed, only shown.
  virtual bool passes_through() const { return false; }

  /// True if what goes back to each input is dy itself, number by number: then it need not be pulled back, only shared out.
  virtual bool passes_back() const { return passes_through(); }

  /// Multiply-adds of forward for one sample.
  virtual double multiply_adds(std::span<const Shape> in) const;

  /// y = f(w, x). Overwrites y, and aux where the layer uses it.
  virtual void forward(const NodeCtx&, Views w, Views x, MutView y, Aux& aux) const = 0;

  /// dx[i] += (∂y/∂x[i])ᵀ dy with the transport weights w, any of the right shapes. An unwanted dx[i] is no_view().
  virtual void pull_back(Views w, Views x, View y, const Aux& aux, View dy, MutViews dx) const = 0;

  /// pull_back for a dy that is zero but for row unit[c] of each column c, as it is where the derivatives of single
  /// neurons begin: what a matrix product would do is a pick of rows. By default pull_back.
  virtual void pull_back_units(Views w, Views x, View y, const Aux& aux, View dy, std::span<const Index> unit,
                               MutViews dx) const;

  /// g[p] += scale·(∂y/∂w[p])ᵀ dy, summed over the batch. dy has B columns.
  virtual void param_grad(Views x, View y, const Aux& aux, View dy, MutViews g, Scalar scale) const;

  // The four below do the same work with the same bits, and hand on each block of the result while it is in the cache.
  // Layers override them where that is faster.

  /// forward, then done(block) for all of y.
  virtual void forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux& aux, BlockBody done) const;

  /// For layers of one input: dx = before + (∂y/∂x)ᵀ dy, then done(block) for all of dx, if given. A `before` without data
  /// is 0; it may be dx itself.
  virtual void pull_back_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                                BlockBody done) const;

  /// pull_back_blocks of a dy of B columns, and on the way g(p) = (∂y/∂w[p])ᵀ dy, with the bits of param_grad, for every
  /// trainable parameter. Returns false, and has done nothing, if the layer gains nothing by doing both at once.
  virtual bool backward_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                               BlockBody done, ParamPlace g) const;

  /// done(p, block) for all of scale·(∂y/∂w[p])ᵀ dy of every parameter p, which has no other place. Returns false, and
  /// has done nothing, if the layer cannot do it in blocks.
  virtual bool param_grad_blocks(Views x, View y, const Aux& aux, View dy, Scalar scale, ParamBlockBody done) const;

  /// True if it keeps running statistics of what it sees in training, in parameters that are not trainable.
  virtual bool has_statistics() const { return false; }

  /// Moves them by what a forward pass in training left in `aux`; the other w are left alone.
  virtual void move_statistics(const Aux& aux, MutViews w) const;

  /// dy = Σ_i (∂y/∂x[i]) dx[i] + Σ_p (∂y/∂w[p]) dw[p], the derivative along a direction (JVP), for forward gradients.
  /// Overwrites dy. A dx[i] or dw[p] without data stands for 0. By default throws UnsupportedError.
  virtual void push_forward(Views w, Views x, View y, const Aux& aux, Views dx, Views dw, MutView dy) const;
};

}  // namespace strata
