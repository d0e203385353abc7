#include "datasets/arrays.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "datasets/checksum.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/core/shape.hpp"

namespace strata {
namespace {

using Extents = std::vector<std::uint64_t>;

/// Arrays that belong together, and what has been read of them.
struct Part {
  std::unique_ptr<ArraySource> x, y;
  Shape sample_shape;
  Examples examples;
  Index classes = 0;  // of one-hot labels; 0: by their values
};

std::string to_text(const Extents& shape) {
  std::vector<std::string> items;
  for (const auto extent : shape) items.push_back(std::to_string(extent));
  return join(items, " × ");
}

Shape sample_shape(const ArraySource& x) {
  if (x.shape.empty()) throw DataError(cat(x.where, ": is a single value; expected examples × features"));
  for (const auto extent : x.shape) {
    if (extent == 0)
      throw DataError(cat(x.where, ": is empty (", to_text(x.shape), "); expected at least one example"));
  }
  if (x.type != "uint8" && x.type != "float16" && x.type != "float32" && x.type != "float64") {
    throw DataError(
        cat(x.where, ": is of type ", x.type, "; expected uint8 (0 … 255 becomes 0 … 1), float32 or float64"));
  }
  Shape shape;
  const bool grey_images = x.shape.size() == 3;
  if (grey_images || x.shape.size() == 1) shape.push_back(1);
  for (std::size_t i = 1; i < x.shape.size(); ++i) shape.push_back(static_cast<Index>(x.shape[i]));
  return shape;
}

void check_pair(const ArraySource& x, const ArraySource& y) {
  const bool numbers = y.type.starts_with("int") || y.type.starts_with("uint") || y.type.starts_with("float");
  if (!numbers || y.type == "float128") {
    throw DataError(cat(y.where, ": is of type ", y.type, "; expected numbers: the classes 0, 1, 2, …"));
  }
  if (y.shape.empty() || y.shape.size() > 2 || (y.shape.size() == 2 && y.shape[1] == 0)) {
    throw DataError(cat(y.where, ": has the shape ", y.shape.empty() ? "of a single value" : to_text(y.shape),
                        "; expected a class for each example, or examples × classes"));
  }
  if (y.shape[0] == x.shape[0]) return;
  const bool turned = x.shape.back() == y.shape[0] || x.shape[0] == y.shape.back();
  throw DataError(cat(y.where, ": ", y.shape[0], " labels for ", x.shape[0], " examples in ", x.where,
                      "; expected as many",
                      turned ? " (the first axis counts examples; R, MATLAB and Octave write axes in reverse)" : ""));
}

std::optional<Part> open_part(const ArrayFolder& folder, const std::string& ending) {
  const auto names = folder.names();
  const auto has = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  const std::string x = "x" + ending, y = "y" + ending;
  if (!has(x) && !has(y)) return {};
  if (!has(x) || !has(y)) {
    throw DataError(cat(folder.where(), ": has ", has(x) ? x : y, " but no ", has(x) ? y : x, "; expected both"));
  }
  Part part{folder.open(x), folder.open(y), {}, {}, 0};
  part.sample_shape = sample_shape(*part.x);
  check_pair(*part.x, *part.y);
  return part;
}

template <class T> std::span<const std::uint8_t> bytes_of(const T* values, std::size_t count) {
  return {reinterpret_cast<const std::uint8_t*>(values), count * sizeof(T)};
}

// The values as the file holds them go into the checksum, whatever Scalar is.
template <class T> void read_x(Part& part, Checksum& checksum) {
  Matrix& x = part.examples.x;
  const auto count = static_cast<std::size_t>(x.size());
  if constexpr (std::is_same_v<T, Scalar>) {
    part.x->read(std::span<T>(x.data(), count));
    checksum.add(bytes_of(x.data(), count));
  } else {
    std::vector<T> values(count);
    part.x->read(std::span<T>(values));
    checksum.add(bytes_of(values.data(), count));
    constexpr Scalar unit = std::is_same_v<T, std::uint8_t> ? 255 : 1;
    std::transform(values.begin(), values.end(), x.data(), [](T v) { return static_cast<Scalar>(v) / unit; });
  }
}

void check_values(const Part& part) {
  if (const auto bad = first_non_finite(part.examples.x)) {
    throw DataError(cat(part.x->where, ": feature ", bad->feature, " of example ", bad->example, " is ", bad->value,
                        "; expected finite numbers", std::isinf(bad->value) ? " of a size that float can hold" : ""));
  }
}

// One 1 in each row, else 0.
std::vector<std::int32_t> from_one_hot(const std::vector<double>& y, std::size_t classes, const std::string& where) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < y.size() / classes; ++i) {
    const auto row = y.begin() + static_cast<std::ptrdiff_t>(i * classes),
               end = row + static_cast<std::ptrdiff_t>(classes);
    const auto one = std::find(row, end, 1.0);
    const bool single = one != end && std::count(row, end, 0.0) == static_cast<std::ptrdiff_t>(classes - 1);
    if (!single) {
      throw DataError(
          cat(where, ": row ", i, " is not one-hot; expected a single 1 and else 0, or one class an example"));
    }
    labels.push_back(static_cast<std::int32_t>(one - row));
  }
  return labels;
}

std::vector<std::int32_t> from_classes(const std::vector<double>& y, const std::string& where) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double v = y[i];
    if (v >= 0 && v <= 2147483646 && v == std::floor(v)) {
      labels.push_back(static_cast<std::int32_t>(v));
      continue;
    }
    throw DataError(cat(where, ": the label of example ", i, " is ", shortest(v), "; expected the classes 0, 1, 2, …",
                        v == std::floor(v) ? "" : "; real numbers are no classes, and there is no regression"));
  }
  return labels;
}

void read_y(Part& part) {
  const Extents& shape = part.y->shape;
  const std::size_t width = shape.size() == 2 ? static_cast<std::size_t>(shape[1]) : 1;
  std::vector<double> y(static_cast<std::size_t>(shape[0]) * width);
  part.y->read(std::span<double>(y));
  if (width > 1) part.classes = static_cast<Index>(width);
  part.examples.labels = width > 1 ? from_one_hot(y, width, part.y->where) : from_classes(y, part.y->where);
}

void read_part(Part& part, Checksum& checksum) {
  part.examples.x.resize(features(part.sample_shape), static_cast<Index>(part.x->shape[0]));
  if (part.x->type == "uint8") read_x<std::uint8_t>(part, checksum);
  else if (part.x->type == "float64") read_x<double>(part, checksum);
  else read_x<float>(part, checksum);
  check_values(part);
  read_y(part);
  const auto& labels = part.examples.labels;
  if (*std::max_element(labels.begin(), labels.end()) < 256) {  // as IDX files hold them
    checksum.add(std::vector<std::uint8_t>(labels.begin(), labels.end()));
  } else {
    checksum.add(bytes_of(labels.data(), labels.size()));
  }
}

Index count_classes(const std::vector<Part>& parts) {
  std::size_t examples = 0;
  std::int32_t largest = 0;
  for (const Part& part : parts) {
    if (part.classes != parts[0].classes) {
      throw DataError(cat(part.y->where, ": has the shape ", to_text(part.y->shape), ", ", parts[0].y->where, " ",
                          to_text(parts[0].y->shape), "; expected the same classes in both"));
    }
    examples += part.examples.labels.size();
    for (const auto label : part.examples.labels) largest = std::max(largest, label);
  }
  const ArraySource& y = *parts[0].y;
  if (parts[0].classes > 0) return parts[0].classes;
  if (largest == 0) throw DataError(cat(y.where, ": all labels are 0; expected two classes or more"));
  std::vector<bool> seen(std::min(examples, static_cast<std::size_t>(largest)) + 1);
  for (const Part& part : parts) {
    for (const auto label : part.examples.labels) {
      if (static_cast<std::size_t>(label) < seen.size()) seen[static_cast<std::size_t>(label)] = true;
    }
  }
  const auto gap = std::find(seen.begin(), seen.end(), false) - seen.begin();
  if (gap <= largest) {
    throw DataError(cat(y.where, ": no example has the label ", gap, ", but one has ", largest,
                        "; expected 0, 1, 2, … without gaps (numpy.unique(y, return_inverse=True)[1] renumbers)"));
  }
  return largest + 1;
}

Examples picked(const Examples& all, const std::vector<Index>& ids) {
  Examples some;
  some.x.resize(all.x.rows(), static_cast<Index>(ids.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    some.x.col(static_cast<Index>(i)) = all.x.col(ids[i]);
    some.labels.push_back(all.labels[static_cast<std::size_t>(ids[i])]);
  }
  return some;
}

// Not by --split-seed: a test set that moves would be seen in training sooner or later.
void split_off_test(Dataset& data, const std::string& where) {
  const Index count = data.train.size(), test = count / 5;
  if (test < 1) throw DataError(cat(where, ": ", count, " examples; expected 5 or more, or a test set beside them"));
  const auto order = Rng(0, "test set").permutation(count);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(test);
  std::vector<Index> kept(order.begin(), middle), rest(middle, order.end());
  std::sort(kept.begin(), kept.end());
  std::sort(rest.begin(), rest.end());
  data.test = picked(data.train, kept);
  data.train = picked(data.train, rest);
  data.note = cat(where, " has no test set: ", test, " of its ", count,
                  " examples, drawn at random but always the same, are kept as one");
}

}  // namespace

Dataset load_arrays(const std::string& name, const ArrayFolder& folder) {
  auto plain = open_part(folder, ""), train = open_part(folder, "_train"), test = open_part(folder, "_test");
  if (plain && train) throw DataError(cat(folder.where(), ": has both x and x_train; expected one of them"));
  if (!plain && !train) {
    auto names = folder.names();
    const std::size_t more = names.size() - std::min<std::size_t>(names.size(), 10);
    names.resize(names.size() - more);
    throw DataError(cat(folder.where(),
                        ": has no x and y; expected these, and x_test and y_test for a test set; found ",
                        names.empty() ? "no arrays" : join(names), more > 0 ? cat(" and ", more, " more") : ""));
  }
  std::vector<Part> parts;
  parts.push_back(std::move(plain ? *plain : *train));
  if (test) parts.push_back(std::move(*test));
  const ArraySource& first = *parts[0].x;
  for (const Part& part : parts) {
    if (part.sample_shape != parts[0].sample_shape) {
      throw DataError(cat(part.x->where, ": samples of ", to_string(part.sample_shape), "; expected ",
                          to_string(parts[0].sample_shape), " as in ", first.where));
    }
    if ((part.x->type == "uint8") != (first.type == "uint8")) {
      throw DataError(cat(part.x->where, ": is of type ", part.x->type, ", ", first.where, " of ", first.type,
                          "; expected one scale for both"));
    }
  }
  Dataset data;
  data.name = name;
  data.sample_shape = parts[0].sample_shape;
  Checksum checksum;
  for (Part& part : parts) read_part(part, checksum);
  data.checksum = checksum.text();
  data.classes = count_classes(parts);
  if (first.type != "uint8") {
    data.low = parts[0].examples.x.minCoeff();
    data.high = parts[0].examples.x.maxCoeff();
  }
  data.train = std::move(parts[0].examples);
  if (parts.size() == 2) data.test = std::move(parts[1].examples);
  else split_off_test(data, folder.where());
  return data;
}

}  // namespace strata
