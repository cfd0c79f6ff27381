// Class weights: the schemes, and how they are written as text.
#include "losses/class_weights.h"
#include "tests/losses/cases.h"

using namespace counterpoise;

TEST_CASE("class weights: balanced ones are N / (K n)") {
  CHECK(balanced_weights({1000, 11000}) == List{6, 12000. / 22000});
  CHECK(balanced_weights({1000, 11000})[1] == doctest::Approx(0.5454545454545454).epsilon(1e-15));
  CHECK(balanced_weights({500, 11000})[0] == 11.5);
  CHECK(balanced_weights({1000, 100, 50, 10})[3] == 29);
  CHECK(balanced_weights({3, 0}) == List{0.5, 0});
  CHECK(balanced_weights({0, 0}) == List{0, 0});
}

TEST_CASE("class weights: the schemes") {
  const Counts counts = {1000, 100, 50, 10};
  const auto close = [](const List& a, const List& b) { return deviation(a, b) < 1e-6; };
  CHECK(close(effective_weights(counts, 0.999), {.0475537, .3158189, .6162276, 3.0203997}));
  CHECK(effective_weights(counts, 0) == List{1, 1, 1, 1});
  CHECK(close(effective_weights(counts, 1 - 1e-12), inverse_weights(counts)));
  CHECK(close(inverse_weights({1000, 11000}), {2 * 11. / 12, 2 * 1. / 12}));
  CHECK(close(inverse_weights({100, 400}, 0.5), {2 * 2. / 3, 2 * 1. / 3}));
  CHECK(inverse_weights(counts, 0) == List{1, 1, 1, 1});
  CHECK(median_weights(counts) == List{.075, .75, 1.5, 7.5});
  CHECK(median_weights({10, 0, 30, 20}) == List{2, 0, 20. / 30, 1});
  for (const List& weights : {inverse_weights({4, 0}), effective_weights({4, 0}, 0.9)}) CHECK(weights == List{2, 0});
  CHECK(inverse_weights({0, 0}) == List{0, 0});
  CHECK(fails(ErrorKind::failure, {"beta"}, [] { effective_weights({1}, 1); }));
}

TEST_CASE("class weights: written as text") {
  const std::vector<std::string> classes = {"cat", "dog"};
  const std::vector<int64_t> counts = {1000, 11000};
  const auto parse = [&](const std::string& spec) { return parse_class_weights(spec, classes, counts); };
  CHECK(parse("none").empty());
  CHECK(parse("balanced") == balanced_weights(counts));
  CHECK(parse("inverse") == inverse_weights(counts));
  CHECK(parse("sqrt") == inverse_weights(counts, 0.5));
  CHECK(parse("median") == median_weights(counts));
  CHECK(parse("effective") == effective_weights(counts, 0.999));
  CHECK(parse("effective=0.9") == effective_weights(counts, 0.9));
  CHECK(fails(ErrorKind::invalid_argument, {"none, balanced, inverse, sqrt, effective", "median", "cat=NUMBER"},
              [&] { parse("automatic"); }));
  CHECK(fails(ErrorKind::invalid_argument, {"beta"}, [&] { parse("effective=1"); }));
  CHECK(parse("cat=6,dog=0.55") == List{6, 0.55});
  CHECK(parse("dog=1e-3,cat=0") == List{0, 0.001});
  for (const std::string bad : {"cat=6", "cat=6,dog", "cat=6,cow=1", "cat=,dog=1", "cat=x,dog=1", "cat=-1,dog=1",
                                "cat=1x,dog=1", "cat=nan,dog=1", "cat=inf,dog=1", "", "6,0.5", "cat=1,cat=2,dog=1"}) {
    CAPTURE(bad);
    CHECK(fails(ErrorKind::invalid_argument, {}, [&] { parse(bad); }));
  }
  CHECK(parse("cat=1e6,dog=1e-6") == List{1e6, 1e-6});
  for (const std::string far : {"dog=1,cat=1e308", "dog=1,cat=1e-40", "cat=1000001,dog=1"}) {
    CHECK(fails(ErrorKind::invalid_argument, {"the weight ", " of class cat is out of range: 1e-6 to 1e6, or 0"},
                [&] { parse(far); }));
  }
  CHECK(fails(ErrorKind::invalid_argument, {"cow", "cat=NUMBER,dog=NUMBER"}, [&] { parse("cow=1,dog=1"); }));
  CHECK(parse_per_class("dog=11000", classes, -1) == List{-1, 11000});
  const std::vector<std::string> odd = {"a,b", "a", "a=1,c"};
  CHECK(parse_per_class("a,b=5,a=2,a=1,c=7", odd, -1) == List{5, 2, 7});
  CHECK(parse_per_class("a=1,a,b=3", odd, -1) == List{3, 1, -1});
  CHECK(fails(ErrorKind::invalid_argument, {"\"b=2\" names no class", "a,b=NUMBER"},
              [&] { parse_per_class("a=1,b=2", odd, 0); }));
  CHECK(fails(ErrorKind::invalid_argument, {"twice"}, [&] { parse_per_class("cat=1,cat=2", classes, 0); }));
}
