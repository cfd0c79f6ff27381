// Checks a student's solution of an exercise: apps/lessons/checks/NN_name.h calls the functions of
// apps/lessons/exercises/NN_name.h with random numbers and compares. Not thread-safe.
#pragma once

#include <cmath>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace counterpoise {

// What an exercise throws that has not been solved yet.
struct Unsolved {
  std::string hint;
};

class Checker {
 public:
  // Thrown by the first comparison that fails.
  struct Failed {
    std::string what;
  };

  explicit Checker(unsigned seed) : random_(seed) {}

  // A number of the normal distribution with mean 0 and variance 1.
  double normal() { return normal_(random_); }
  std::vector<double> normals(size_t n) {
    std::vector<double> all;
    while (all.size() < n) all.push_back(normal());
    return all;
  }
  // A whole number from `low` to `high`.
  int whole(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  void expect(bool holds, const std::string& what) const {
    if (!holds) throw Failed{what};
  }
  // "should be 0.5, but is 0.6", with as many digits as it takes to see the difference.
  static std::string should_be(double expected, double found) {
    const auto text = [](double value, int digits) {
      char digits_of[40];
      std::snprintf(digits_of, sizeof digits_of, "%.*g", value == std::floor(value) ? 15 : digits, value);
      return std::string(digits_of);
    };
    int digits = 6;
    while (digits < 17 && text(expected, digits) == text(found, digits)) ++digits;
    return "should be " + text(expected, digits) + ", but is " + text(found, digits);
  }
  // |found - expected| <= tolerance * max(1, |expected|); false for NaN.
  void near(double found, double expected, double tolerance, const std::string& what) const {
    const bool holds = std::fabs(found - expected) <= tolerance * std::fmax(1, std::fabs(expected));
    expect(holds, what + " " + should_be(expected, found));
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> normal_;
};

enum class Verdict { solved, unsolved, wrong };

// Runs a check and says in `message` what is missing or wrong.
template <class Check>
Verdict verdict(const Check& check, unsigned seed, std::string& message) {
  try {
    Checker checker(seed);
    check(checker);
    return Verdict::solved;
  } catch (const Unsolved& unsolved) {
    message = "not solved yet. A hint: " + unsolved.hint;
    return Verdict::unsolved;
  } catch (const Checker::Failed& failed) {
    message = failed.what;
  } catch (const std::exception& error) {
    message = std::string("it ends with an exception: ") + error.what();
  }
  return Verdict::wrong;
}

}  // namespace counterpoise
