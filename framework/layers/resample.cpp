#include "framework/layers/resample.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {

ZeroPad::ZeroPad(const Extents& padding) : padding_(padding) {
  Window{.size = {1, 1}, .padding = padding}.check(type());
}

nlohmann::ordered_json ZeroPad::attributes() const { return {{"padding", to_json(padding_)}}; }

Shape ZeroPad::infer(std::span<const Shape> in) const {
  const Shape image = one_image(type(), in);
  return {image[0], image[1] + 2 * padding_[0], image[2] + 2 * padding_[1]};
}

std::shared_ptr<const Layer> ZeroPad::bound(std::span<const Shape> in) const {
  const Shape out = infer(in);
  auto layer = std::make_shared<ZeroPad>(*this);
  layer->planes_ = {out[0], {in[0][1], in[0][2]}, {out[1], out[2]}};
  return layer;
}

void ZeroPad::pad(View x, MutView y) const {
  const Extents in = planes_.in, out = planes_.out;
  for_planes(planes_, y.cols(), [&](Index col, Index c) {
    const Scalar* from = planes_.in_of(x, col, c);
    Scalar* to = planes_.out_of(y, col, c);
    std::fill_n(to, planes_.out_size(), Scalar(0));
    to += padding_[0] * out[1] + padding_[1];
    for (Index r = 0; r < in[0]; ++r) std::copy_n(from + r * in[1], in[1], to + r * out[1]);
  });
}

void ZeroPad::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const { pad(x[0], y); }

void ZeroPad::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  const Extents in = planes_.in, out = planes_.out;
  for_planes(planes_, dy.cols(), [&](Index col, Index c) {
    const Scalar* from = planes_.out_of(dy, col, c) + padding_[0] * out[1] + padding_[1];
    Scalar* to = planes_.in_of(dx[0], col, c);
    for (Index r = 0; r < in[0]; ++r) {
      for (Index k = 0; k < in[1]; ++k) to[r * in[1] + k] += from[r * out[1] + k];
    }
  });
}

void ZeroPad::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  if (given(dx[0])) {
    pad(dx[0], dy);
  } else {
    dy.setZero();
  }
}

Resize::Resize(const Extents& size, std::string mode) : size_(size), mode_(std::move(mode)) {
  const auto within = [](const char* name, Index extent) {
    if (extent < 1 || extent > 4096) throw UsageError(cat("resize: ", name, " = ", extent, ": expected 1 to 4096"));
  };
  within("height", size[0]);
  within("width", size[1]);
  nearest_ = mode_ == "nearest";
  if (!nearest_ && mode_ != "bilinear") {
    throw UsageError(cat("resize: ", unknown_name("mode", mode_, {"nearest", "bilinear"})));
  }
}

nlohmann::ordered_json Resize::attributes() const {
  return {{"height", size_[0]}, {"width", size_[1]}, {"mode", mode_}};
}

Shape Resize::infer(std::span<const Shape> in) const { return {one_image(type(), in)[0], size_[0], size_[1]}; }

std::vector<Resize::Tap> Resize::taps(Index in, Index out) const {
  std::vector<Tap> all;
  for (Index i = 0; i < out; ++i) {
    if (nearest_) {
      all.push_back({i * in / out, 0, 0});
      continue;
    }
    const double at =
        std::max(0.0, (static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5);
    const auto low = std::min(static_cast<Index>(at), in - 1);
    all.push_back({low, std::min(low + 1, in - 1), static_cast<Scalar>(at - static_cast<double>(low))});
  }
  return all;
}

std::shared_ptr<const Layer> Resize::bound(std::span<const Shape> in) const {
  auto layer = std::make_shared<Resize>(*this);
  layer->planes_ = {in[0][0], {in[0][1], in[0][2]}, size_};
  layer->rows_ = taps(in[0][1], size_[0]);
  layer->cols_ = taps(in[0][2], size_[1]);
  return layer;
}

// pixel(place in the plane, weight) for all input pixels that output pixel (i, j) is the sum of.
template <class Visit> void Resize::visit(Index i, Index j, const Visit& pixel) const {
  const Tap& r = rows_[static_cast<std::size_t>(i)];
  const Tap& c = cols_[static_cast<std::size_t>(j)];
  const Index width = planes_.in[1];
  if (nearest_) {
    pixel(r.low * width + c.low, Scalar(1));
    return;
  }
  pixel(r.low * width + c.low, (1 - r.weight) * (1 - c.weight));
  pixel(r.low * width + c.high, (1 - r.weight) * c.weight);
  pixel(r.high * width + c.low, r.weight * (1 - c.weight));
  pixel(r.high * width + c.high, r.weight * c.weight);
}

void Resize::interpolate(View x, MutView y) const {
  const auto one = [&](Index col, Index c) {
    const Scalar* from = planes_.in_of(x, col, c);
    Scalar* to = planes_.out_of(y, col, c);
    for (Index i = 0; i < size_[0]; ++i) {
      for (Index j = 0; j < size_[1]; ++j, ++to) {
        Scalar sum = 0;
        visit(i, j, [&](Index at, Scalar weight) { sum += weight * from[at]; });
        *to = sum;
      }
    }
  };
  for_planes(planes_, y.cols(), one, 4);
}

void Resize::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const { interpolate(x[0], y); }

void Resize::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  const auto one = [&](Index col, Index c) {
    const Scalar* from = planes_.out_of(dy, col, c);
    Scalar* to = planes_.in_of(dx[0], col, c);
    for (Index i = 0; i < size_[0]; ++i) {
      for (Index j = 0; j < size_[1]; ++j, ++from) {
        visit(i, j, [&](Index at, Scalar weight) { to[at] += weight * *from; });
      }
    }
  };
  for_planes(planes_, dy.cols(), one, 4);
}

void Resize::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  if (given(dx[0])) {
    interpolate(dx[0], dy);
  } else {
    dy.setZero();
  }
}

}  // namespace strata
