#include "framework/graph/architectures.hpp"

#include "framework/core/errors.hpp"

namespace strata {
namespace {

Window square(Index size, Index padding, Index stride = 1) {
  return {{size, size}, {stride, stride}, {padding, padding}};
}

ChainSpec for_images(const std::string& name, const Shape& image, Index classes) {
  if (image.size() != 3) {
    throw ShapeError(
        cat("network '", name, "' takes images [channels, height, width], the data's samples are ", to_string(image)));
  }
  ChainSpec chain;
  chain.input = image;
  chain.outputs = classes;
  chain.activation = "relu";
  chain.init = "he_normal";
  return chain;
}

ChainSpec lenet(const Shape& image, Index classes) {
  ChainSpec chain = for_images("lenet", image, classes);
  constexpr Index side = 32;
  for (std::size_t d = 1; d < 3; ++d) {
    if (image[d] > side || (side - image[d]) % 2 != 0) {
      throw ShapeError(cat("network 'lenet' takes images of even height and width up to 32, the data's samples are ",
                           to_string(image)));
    }
  }
  Window first = square(5, 0);
  first.padding = {(side - image[1]) / 2, (side - image[2]) / 2};
  chain.hidden = {{6, first, 2}, {16, square(5, 0), 2}, {120, square(5, 0)}, {84}};
  return chain;
}

ChainSpec smallconv(const Shape& image, Index classes) {
  ChainSpec chain = for_images("smallconv", image, classes);
  chain.hidden = {{16, square(3, 1)}, {16, square(3, 1), 2}, {32, square(3, 1)}, {32, square(3, 1), 2}};
  return chain;
}

ChainSpec resnet(int blocks, const Shape& image, Index classes) {
  ChainSpec chain = for_images(cat("resnet", 6 * blocks + 2), image, classes);
  chain.norm = "batch";
  chain.global_pool = true;
  chain.skip_mode = SkipMode::fit;
  chain.hidden.push_back({16, square(3, 1)});
  for (int stage = 0; stage < 3; ++stage) {
    const Index channels = Index{16} << stage;
    for (int block = 0; block < blocks; ++block) {
      const int before = static_cast<int>(chain.hidden.size());
      chain.hidden.push_back({channels, square(3, 1, stage > 0 && block == 0 ? 2 : 1)});
      chain.hidden.push_back({channels, square(3, 1)});
      chain.skips.push_back({before, before + 2});
    }
  }
  return chain;
}

}  // namespace

CatalogOf<Architecture> architectures() {
  CatalogOf<Architecture> all;
  all.add({"lenet", "convolutions 6-16-120 of 5×5 with pooling, dense 84, ReLU", lenet});
  all.add({"smallconv", "convolutions 16-16-32-32 of 3×3 with pooling, ReLU", smallconv});
  for (const int blocks : {1, 3}) {
    all.add({cat("resnet", 6 * blocks + 2), cat("residual net of ", 6 * blocks + 2, " layers, 16-32-64 channels"),
             [blocks](const Shape& image, Index classes) { return resnet(blocks, image, classes); }});
  }
  return all;
}

}  // namespace strata
