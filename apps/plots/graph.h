// A graph of boxes and arrows as SVG: computations, from left to right. Pure functions, safe to call from any thread.
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

struct GraphNode {
  std::string name;                // in bold
  std::vector<std::string> lines;  // below it
  std::vector<size_t> inputs;      // nodes that come before this one; one that is there twice has two arrows
  bool marked = false;             // drawn in color
};

// Each node stands right of its inputs. Throws Error(failure) for no nodes, and for an input that is not before its
// node.
std::string graph_svg(const std::string& title, const std::vector<GraphNode>& nodes);

}  // namespace counterpoise
