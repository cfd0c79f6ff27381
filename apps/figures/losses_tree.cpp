// The family tree of the losses.
#include <algorithm>

#include "apps/figures/losses_figures.h"
#include "apps/plots/drawing.h"
#include "apps/trainer/format.h"
#include "losses/registry.h"

namespace counterpoise {

using namespace drawing;

namespace {

struct Leaf {
  const char* name;
  const char* idea;
  int depth = 0;  // 1: a further step from the last leaf of depth 0
};
struct Family {
  const char* root;                // of which quantity the loss is a function; "" as the family before
  std::vector<std::string> title;  // what its losses change, in lines
  std::vector<Leaf> leaves;
};

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"the error z \u2212 y",
       {"regression of the", "numbers 0 and 1"},
       {{"mse", "its square"},
        {"l1", "its absolute value"},
        {"huber", "quadratic up to delta, then linear", 1},
        {"smooth-l1", "huber / delta", 1},
        {"log-cosh", "between them, without a corner"}}},
      {"the probability p_t",
       {"\u2212log p_t"},
       {{"bce", "one logit, sigmoid"}, {"cross-entropy", "a logit per class, softmax"}}},
      {"",
       {"\u00d7 a weight", "of the class"},
       {{"weighted-bce", "N / (2 n_c)"},
        {"balanced-bce", "alpha, 1 \u2212 alpha"},
        {"class-balanced", "1 / effective number of samples"}}},
      {"",
       {"\u00d7 a weight of the", "sample: easy ones", "count less"},
       {{"focal", "(1 \u2212 p_t)^gamma"},
        {"quality-focal", "|y \u2212 p|^beta, for any y in [0, 1]", 1},
        {"asymmetric", "one gamma for negatives, one for positives", 1},
        {"poly1", "+ epsilon (1 \u2212 p_t)"},
        {"ghm", "1 / number of outputs with such gradients"},
        {"influence-balanced", "1 / influence on the boundary"}}},
      {"",
       {"hard ones count less:", "robust to wrong labels"},
       {{"gce", "(1 \u2212 p_t^q) / q"}, {"sce", "+ 4 beta (1 \u2212 p_t)"}}},
      {"",
       {"logits are shifted", "or scaled by class"},
       {{"logit-adjusted", "+ tau log(n_k / N)"},
        {"balanced-softmax", "tau = 1", 1},
        {"cdt", "\u00d7 (n_k / n_max)^gamma"},
        {"vs", "both of them"},
        {"autobalance", "both of them, learned", 1},
        {"ldam", "true class's cosine \u2212 a margin"}}},
      {"",
       {"rare classes get less", "gradient from the", "others' samples"},
       {{"equalization", "none, below a share lambda"},
        {"softmax-equalization", "left out of the softmax at random", 1},
        {"equalization-v2", "by the gradients received so far", 1},
        {"seesaw", "(n_k / n_y)^p, unless mistaken for them"}}},
      {"a margin", {"logit of the true class"}, {{"hinge", "how much it falls short of the margin"}}},
      {"the batch's overlap",
       {"of predicted and actual", "positives, TP, FP, FN"},
       {{"soft-f1", "1 \u2212 2 TP / (2 TP + FP + FN)"},
        {"dice", "+ smooth, above and below", 1},
        {"tversky", "FP and FN weighted: alpha, beta"},
        {"focal-tversky", "to the power of gamma", 1}}},
  };
  return all;
}

// What the registry says of a loss, a column each.
struct Column {
  const char* title;
  bool (*holds)(const LossInfo&);
};
const Column columns[] = {
    {"one logit", [](const LossInfo& loss) { return (loss.outputs & LossInfo::one_logit) != 0; }},
    {"logit per class", [](const LossInfo& loss) { return (loss.outputs & LossInfo::logit_per_class) != 0; }},
    {"needs class counts",
     [](const LossInfo& loss) { return loss.is(LossInfo::needs_counts) || loss.defaults.class_weights != "none"; }},
    {"remembers batches", [](const LossInfo& loss) { return loss.is(LossInfo::stateful); }}};

constexpr double row = 22, gap = 12, header = 152, root_x = 18, family_x = 176, leaf_x = 366, idea_x = 556,
                 mark_x = 884, mark_width = 34;

std::string box(const Box& b, const std::vector<std::string>& lines, const char* color) {
  std::string out = rectangle(b, text("rx=\"6\" fill=\"#ffffff\" stroke=\"", color, "\" stroke-width=\"1.6\""));
  double y = b.y + b.height / 2 + 4.5 - 8 * (static_cast<double>(lines.size()) - 1);
  for (const std::string& line : lines) {
    out += words(b.x + b.width / 2, y, line, {12.5, "middle"});
    y += 16;
  }
  return out;
}

// From the right side of one place to the left side of another, with a corner halfway.
std::string elbow(double x1, double y1, double x2, double y2) {
  const double middle = (x1 + x2) / 2;
  return text("<path d=\"M", px(x1), " ", px(y1), "H", px(middle), "V", px(y2), "H", px(x2),
              "\" fill=\"none\" stroke=\"", zero_line, "\" stroke-width=\"1.3\"/>\n");
}

std::string marks(const LossInfo& loss, double y) {
  std::string out;
  for (size_t i = 0; i < std::size(columns); ++i) {
    const double x = mark_x + mark_width * static_cast<double>(i);
    const bool holds = columns[i].holds(loss);
    out += text("<circle cx=\"", px(x), "\" cy=\"", px(y), "\" r=\"", holds ? 5.5 : 2, "\" fill=\"",
                holds ? color_text(palette[i < 2 ? 0 : 1]) : std::string("#d0d0d0"), "\"/>\n");
  }
  return out;
}

}  // namespace

Figure loss_tree_figure() {
  std::vector<std::string> missing = loss_names();
  std::string lines, body;
  double y = header, root_top = header, root_y = 0;
  std::vector<double> middles;  // of the families under one root
  const auto close_root = [&](const std::string& root, double bottom) {
    root_y = (root_top + bottom) / 2;
    body += box({root_x, root_y - 21, 134, 42}, {root}, "#222222");
    for (const double middle : middles) lines += elbow(root_x + 134, root_y, family_x, middle);
    middles.clear();
  };
  std::string root;
  for (const Family& family : families()) {
    if (*family.root) {
      if (!root.empty()) close_root(root, y - gap), y += gap;
      root = family.root, root_top = y;
    }
    const double height =
        std::max(row * static_cast<double>(family.leaves.size()), 16. * static_cast<double>(family.title.size()) + 10);
    const double middle = y + height / 2;
    const double half = 8. * static_cast<double>(family.title.size()) + 5;
    body += box({family_x, middle - half, 160, 2 * half}, family.title, color_text(palette[2]).c_str());
    middles.push_back(middle);
    double at = middle - row * static_cast<double>(family.leaves.size()) / 2 + row / 2, parent = at;
    for (const Leaf& leaf : family.leaves) {
      const auto found = std::find(missing.begin(), missing.end(), leaf.name);
      CP_ENSURE(found != missing.end(), "the tree of losses: ", leaf.name, " is not a loss, or is there twice");
      missing.erase(found);
      if (leaf.depth) {
        lines += text("<path d=\"M", px(leaf_x + 6), " ", px(parent + 7), "V", px(at), "h8\" fill=\"none\" stroke=\"",
                      zero_line, "\" stroke-width=\"1.3\"/>\n");
      } else {
        lines += elbow(family_x + 160, middle, leaf_x - 4, at), parent = at;
      }
      body += words(leaf_x + 18 * leaf.depth, at + 4.5, leaf.name, {13, "start", ink, " font-weight=\"600\""});
      body += words(idea_x, at + 4.5, leaf.idea, {12.5, "start", pale_ink});
      body += marks(find_loss(leaf.name), at);
      at += row;
    }
    y += height + gap;
  }
  close_root(root, y - gap);
  CP_ENSURE(missing.empty(), "the tree of losses has no place for ", detail::join(missing));

  const double width = mark_x + mark_width * static_cast<double>(std::size(columns)) + 60;
  std::string head = heading(text("The ", loss_names().size(), " losses, by what they add to each other"));
  for (const auto& [x, title] : {std::pair<double, const char*>{root_x, "A loss of"},
                                 {family_x, "in which"},
                                 {leaf_x, "--loss"},
                                 {idea_x, "its own idea"}}) {
    head += words(x, header - 20, title, {13, "start", pale_ink, " font-style=\"italic\""});
  }
  for (size_t i = 0; i < std::size(columns); ++i) {
    const double x = mark_x + 4 + mark_width * static_cast<double>(i);
    const std::string slanted = text(" transform=\"rotate(-48 ", px(x), " ", px(header - 14), ")\"");
    head += words(x, header - 14, columns[i].title, {12.5, "start", ink, slanted.c_str()});
  }
  return {"losses/figures/tree.svg", whole_svg(width, y + 4, "The family tree of the losses", head + lines + body)};
}

}  // namespace counterpoise
