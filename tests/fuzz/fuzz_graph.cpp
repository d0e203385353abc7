#include "framework/analysis/neurons.hpp"
#include "framework/graph/graph.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace strata::fuzz {

void graph(Bytes bytes) {
  static MemoryFile file;
  static const LayerCatalog layers = builtin_layers();
  file.write(bytes);
  may_refuse([&] {
    const GraphSpec spec = read_graph_file(file.path());
    const auto json = to_json(spec);
    promise(to_json(graph_spec_from_json(json)) == json, "a graph that was read can be written and read again");
    // Built, and asked what rules and tables ask: its sizes are numbers, nothing is allocated by them.
    const Graph graph(spec, layers);
    promise(graph.parameters() > 0 && graph.multiply_adds() > 0, "there is something to train");
    promise(!graph.region(graph.output()).empty(), "the output is computed from something");
    promise(graph.is_chain() == (graph.first_uncut() < 0), "a chain has no layer beside it");
    promise(Neurons(graph).size() > 1, "there are neurons");
  });
}

}  // namespace strata::fuzz
