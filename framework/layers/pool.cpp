#include "framework/layers/pool.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

struct Reach {
  Index first, end;
};

// The pixels in direction d that window i sees, padding left out: one at least, as padding is at most half the size.
Reach reach(const Window& window, const Planes& planes, std::size_t d, Index i) {
  const Index begin = i * window.stride[d] - window.padding[d];
  return {std::max<Index>(0, begin), std::min(planes.in[d], begin + window.size[d])};
}

// The output columns whose window has a pixel, and not padding, in its column k.
Reach seeing(const Window& window, const Planes& planes, Index k) {
  const Index offset = k - window.padding[1], stride = window.stride[1];
  const Index after = std::max<Index>(0, planes.in[1] - offset);
  return {std::max<Index>(0, (stride - 1 - offset) / stride), std::min(planes.out[1], (after + stride - 1) / stride)};
}

struct Placed {
  Scalar value, place;
};

// a, unless b is larger, or NaN and a is not. Selections all, no branches: the compiler makes vectors of loops over it.
inline Placed larger(Placed a, Placed b) {
  const bool keep = b.value <= a.value;
  const Placed found{keep ? a.value : b.value, keep ? a.place : b.place};
  const bool nan = a.value != a.value;
  return {nan ? a.value : found.value, nan ? a.place : found.place};
}

// For windows of any kind: for the given output columns, pixel j·stride of x, which is at that place of its window.
void max_into(Reach columns, Index stride, const Scalar* __restrict x, Scalar at, Scalar* __restrict y,
              Scalar* __restrict place) {
  for (Index j = columns.first; j < columns.end; ++j) {
    const Placed best = larger({y[j], place[j]}, {x[j * stride], at});
    y[j] = best.value;
    place[j] = best.place;
  }
}

// A row of n windows of 2 × 2 side by side. In blocks of fixed size, the last of which reaches back into the one before:
// rows are short, and the rest of a row, number by number, would take longer than all of it in vectors.
void max_of_pairs(Index n, const Scalar* __restrict top, const Scalar* __restrict bottom, Scalar* __restrict y,
                  Scalar* __restrict place) {
  constexpr Index block = 8;
  const auto some = [=](Index first, Index count) {
    for (Index j = first; j < first + count; ++j) {
      const Placed a{top[2 * j], 0}, b{top[2 * j + 1], 1}, c{bottom[2 * j], 2}, d{bottom[2 * j + 1], 3};
      const Placed best = larger(larger(a, b), larger(c, d));
      y[j] = best.value;
      place[j] = best.place;
    }
  };
  if (n < block) {
    some(0, n);
  } else {
    for (Index j = 0; j < n; j += block) some(std::min(j, n - block), block);
  }
}

void mean_of_pairs(Index n, const Scalar* __restrict top, const Scalar* __restrict bottom, Scalar* __restrict y) {
  for (Index j = 0; j < n; ++j)
    y[j] = Scalar(0.25) * ((top[2 * j] + top[2 * j + 1]) + (bottom[2 * j] + bottom[2 * j + 1]));
}

void pull_mean_of_pairs(Index n, const Scalar* __restrict dy, Scalar* __restrict top, Scalar* __restrict bottom) {
  for (Index j = 0; j < n; ++j) {
    const Scalar d = Scalar(0.25) * dy[j];
    top[2 * j] += d;
    top[2 * j + 1] += d;
    bottom[2 * j] += d;
    bottom[2 * j + 1] += d;
  }
}

// In lanes that do not depend on where x lies in memory.
Scalar sum_of(const Scalar* x, Index n) {
  using Lanes = Eigen::Array<Scalar, 16, 1>;
  Lanes lanes = Lanes::Zero();
  Index i = 0;
  for (; i + 16 <= n; i += 16) lanes += Eigen::Map<const Lanes>(x + i);
  for (Index l = 0; i < n; ++i, ++l) lanes[l] += x[i];
  return lanes.sum();
}

// y(c) = mean of the c-th of equal parts of x.
void means_of_parts(View x, MutView y) {
  const Index pixels = x.rows() / y.rows();
  const Scalar share = Scalar(1) / static_cast<Scalar>(pixels);
  for_column_blocks(x.rows(), y.cols(), [&](Index first, Index count) {
    for (Index col = first; col < first + count; ++col) {
      for (Index c = 0; c < y.rows(); ++c)
        y(c, col) = share * sum_of(x.data() + col * x.outerStride() + c * pixels, pixels);
    }
  });
}

}  // namespace

Pool::Pool(const std::string& type, const Window& window) : window_(window) {
  window_.check(type);
  for (std::size_t d = 0; d < 2; ++d) {
    if (window.padding[d] > window.size[d] / 2) {
      throw UsageError(cat(type, ": padding = ", window.padding[d], " with size = ", window.size[d],
                           ": expected at most half the size, ", window.size[d] / 2));
    }
  }
}

nlohmann::ordered_json Pool::attributes() const {
  return {{"size", to_json(window_.size)}, {"stride", to_json(window_.stride)}, {"padding", to_json(window_.padding)}};
}

Shape Pool::infer(std::span<const Shape> in) const {
  const Shape image = one_image(type(), in);
  const Extents out = window_.output(type(), image);
  return {image[0], out[0], out[1]};
}

Planes Pool::planes_for(std::span<const Shape> in) const {
  const Shape out = infer(in);
  return {out[0], {in[0][1], in[0][2]}, {out[1], out[2]}};
}

bool Pool::in_pairs() const {
  constexpr Extents pair{2, 2}, none{0, 0};
  return window_.size == pair && window_.stride == pair && window_.padding == none;
}

std::shared_ptr<const Layer> MaxPool::bound(std::span<const Shape> in) const {
  auto layer = std::make_shared<MaxPool>(*this);
  layer->planes_ = planes_for(in);
  layer->offsets_.clear();
  for (Index r = 0; r < window_.size[0]; ++r) {
    for (Index k = 0; k < window_.size[1]; ++k) layer->offsets_.push_back(r * in[0][2] + k);
  }
  return layer;
}

void MaxPool::forward(const NodeCtx&, Views, Views x, MutView y, Aux& aux) const {
  aux.data.resize(y.rows(), y.cols());
  const Extents in = planes_.in, out = planes_.out;
  const Index stride = window_.stride[1];
  const bool pairs = in_pairs();
  for_planes(planes_, y.cols(), [&](Index col, Index c) {
    const Scalar* from = planes_.in_of(x[0], col, c);
    Scalar* to = planes_.out_of(y, col, c);
    Scalar* place = planes_.out_of(aux.data, col, c);
    for (Index i = 0; i < out[0]; ++i, to += out[1], place += out[1]) {
      if (pairs) {
        max_of_pairs(out[1], from + 2 * i * in[1], from + (2 * i + 1) * in[1], to, place);
        continue;
      }
      const Reach rows = reach(window_, planes_, 0, i);
      const Index top = i * window_.stride[0] - window_.padding[0];
      for (Index j = 0; j < out[1]; ++j) {
        const Index left = j * stride - window_.padding[1], first = std::max<Index>(0, left);
        to[j] = from[rows.first * in[1] + first];
        place[j] = static_cast<Scalar>((rows.first - top) * window_.size[1] + first - left);
      }
      for (Index r = rows.first; r < rows.end; ++r) {
        for (Index k = 0; k < window_.size[1]; ++k) {
          const Reach cols = seeing(window_, planes_, k);
          max_into(cols, stride, from + r * in[1] + k - window_.padding[1],
                   static_cast<Scalar>((r - top) * window_.size[1] + k), to, place);
        }
      }
    }
  });
}

// The pixel of the input plane that gave output pixel (i, j).
Index MaxPool::winner(Index i, Index j, Scalar place) const {
  const Index row = i * window_.stride[0] - window_.padding[0], column = j * window_.stride[1] - window_.padding[1];
  return row * planes_.in[1] + column + offsets_[static_cast<std::size_t>(place)];
}

void MaxPool::pull_back(Views, Views, View y, const Aux& aux, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  const Extents out = planes_.out;
  for_planes(planes_, dy.cols(), [&](Index col, Index c) {
    const Scalar* place = planes_.out_of(aux.data, col % y.cols(), c);
    const Scalar* from = planes_.out_of(dy, col, c);
    Scalar* to = planes_.in_of(dx[0], col, c);
    for (Index i = 0; i < out[0]; ++i, from += out[1], place += out[1]) {
      for (Index j = 0; j < out[1]; ++j) to[winner(i, j, place[j])] += from[j];
    }
  });
}

void MaxPool::push_forward(Views, Views, View, const Aux& aux, Views dx, Views, MutView dy) const {
  if (!given(dx[0])) {
    dy.setZero();
    return;
  }
  const Extents out = planes_.out;
  for_planes(planes_, dy.cols(), [&](Index col, Index c) {
    const Scalar* place = planes_.out_of(aux.data, col, c);
    const Scalar* from = planes_.in_of(dx[0], col, c);
    Scalar* to = planes_.out_of(dy, col, c);
    for (Index i = 0; i < out[0]; ++i, to += out[1], place += out[1]) {
      for (Index j = 0; j < out[1]; ++j) to[j] = from[winner(i, j, place[j])];
    }
  });
}

std::shared_ptr<const Layer> AveragePool::bound(std::span<const Shape> in) const {
  auto layer = std::make_shared<AveragePool>(*this);
  layer->planes_ = planes_for(in);
  return layer;
}

void AveragePool::average(View x, MutView y) const {
  const Extents in = planes_.in, out = planes_.out;
  const Scalar share = Scalar(1) / static_cast<Scalar>(window_.size[0] * window_.size[1]);
  const bool pairs = in_pairs();
  for_planes(planes_, y.cols(), [&](Index col, Index c) {
    const Scalar* from = planes_.in_of(x, col, c);
    Scalar* to = planes_.out_of(y, col, c);
    for (Index i = 0; i < out[0]; ++i, to += out[1]) {
      if (pairs) {
        mean_of_pairs(out[1], from + 2 * i * in[1], from + (2 * i + 1) * in[1], to);
        continue;
      }
      const Reach rows = reach(window_, planes_, 0, i);
      for (Index j = 0; j < out[1]; ++j) {
        const Reach cols = reach(window_, planes_, 1, j);
        Scalar sum = 0;
        for (Index r = rows.first; r < rows.end; ++r) {
          for (Index k = cols.first; k < cols.end; ++k) sum += from[r * in[1] + k];
        }
        to[j] = share * sum;
      }
    }
  });
}

void AveragePool::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const { average(x[0], y); }

void AveragePool::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  const Extents in = planes_.in, out = planes_.out;
  const Scalar share = Scalar(1) / static_cast<Scalar>(window_.size[0] * window_.size[1]);
  const bool pairs = in_pairs();
  for_planes(planes_, dy.cols(), [&](Index col, Index c) {
    const Scalar* from = planes_.out_of(dy, col, c);
    Scalar* to = planes_.in_of(dx[0], col, c);
    for (Index i = 0; i < out[0]; ++i, from += out[1]) {
      if (pairs) {
        pull_mean_of_pairs(out[1], from, to + 2 * i * in[1], to + (2 * i + 1) * in[1]);
        continue;
      }
      const Reach rows = reach(window_, planes_, 0, i);
      for (Index j = 0; j < out[1]; ++j) {
        const Reach cols = reach(window_, planes_, 1, j);
        const Scalar d = share * from[j];
        for (Index r = rows.first; r < rows.end; ++r) {
          for (Index k = cols.first; k < cols.end; ++k) to[r * in[1] + k] += d;
        }
      }
    }
  });
}

void AveragePool::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  if (given(dx[0])) {
    average(dx[0], dy);
  } else {
    dy.setZero();
  }
}

Shape GlobalAveragePool::infer(std::span<const Shape> in) const { return {one_image(type(), in)[0]}; }

void GlobalAveragePool::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const { means_of_parts(x[0], y); }

void GlobalAveragePool::pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  const Index pixels = x[0].rows() / y.rows();
  const Scalar share = Scalar(1) / static_cast<Scalar>(pixels);
  for_column_blocks(x[0].rows(), dy.cols(), [&](Index first, Index count) {
    for (Index col = first; col < first + count; ++col) {
      for (Index c = 0; c < y.rows(); ++c) dx[0].col(col).segment(c * pixels, pixels).array() += share * dy(c, col);
    }
  });
}

void GlobalAveragePool::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  if (given(dx[0])) {
    means_of_parts(dx[0], dy);
  } else {
    dy.setZero();
  }
}

}  // namespace strata
