// Augmentation as a text: which augmenters, in which order, how strong, and for which classes.
//
//   const augment::Policy policy = augment::parse_policy("resized-crop=0.3..1,flip,blur=3@0.5");
//   const augment::Policy rare = augment::parse_policy("rare:strong,others:flip");
//   const std::vector<augment::Augmenter> of_class = rare.pipelines({"cat", "dog"}, {100, 1100});   // [0] for cats
//
// A text is "none", or steps with commas in between, which are applied in this order. A step is
//
//   flip                       an augmenter of the table (spec_table.h), or a preset such as strong
//   rotate=0.2                 with its main parameter
//   affine=rotate:25/scale:0.8..1.2    with named ones
//   blur=3@0.5                 with the probability 0.5, as imgaug's Sometimes
//   oneof(blur=3,noise=15)     one of several; someof=2(...), someof=1..2(...) and all(...) likewise
//
// LOW..HIGH is the range from which a number is drawn. A single number stands for a range, too, where the table says
// so: an angle or a shift R for -R..R, an amount A for 0..A, and a strength S of a factor for 1-S..1+S, as
// torchvision's ColorJitter. (What is 1.5 times in other libraries is 1.5..1.5 here; a strength that would take a
// factor below the least one is refused.) Spaces beside names, numbers and punctuation mean nothing.
//
// Where the steps begin with the name of a class and a colon, they are of this class, up to the next such name:
// "cat:flip,rotate=0.1,dog:none". `rare` stands for the classes with fewer training images than the average class,
// `others` for all that are not named, and a class that has no steps is not augmented. A class cannot be named if its
// name has one of : = ( ) , @, or is itself `rare` or `others`: only the two words reach it.
//
// A policy per class must leave no marks by which a class can be told: a gray rectangle (erase), black corners (affine,
// crop) or noise on the images of one class alone are learned in place of it, and no image has them when the network
// is used.
//
// Everything here is safe to use from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace counterpoise::augment {

class Augmenter;  // pipeline.h

// The pipelines of all classes. A cheap value, whose copies share their state; the default changes nothing.
class Policy {
 public:
  // Whether no image is changed.
  bool none() const { return !state_; }
  // Whether it names classes.
  bool per_class() const;
  // The pipeline of each class, in their order, from the numbers of their training images. Throws
  // Error(invalid_argument) for a class that the text names and that does not exist.
  std::vector<Augmenter> pipelines(const std::vector<std::string>& classes, const std::vector<int64_t>& counts) const;
  // Who is augmented how, in one line for a program to print: "cat strong; dog, emu none". The classes and numbers are
  // those of pipelines(), as are the errors.
  std::string description(const std::vector<std::string>& classes, const std::vector<int64_t>& counts) const;
  // The pipeline of every image. Throws Error(invalid_argument) if there is one per class.
  Augmenter pipeline() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;

  friend Policy parse_policy(const std::string& text);
  friend std::string to_string(const Policy& policy);
};

// Throws Error(invalid_argument) with one line, which names the part of the text that is wrong and what is valid.
Policy parse_policy(const std::string& text);
// The shortest text that parse_policy() reads as the same Policy.
std::string to_string(const Policy& policy);
inline bool operator==(const Policy& a, const Policy& b) { return to_string(a) == to_string(b); }
inline bool operator!=(const Policy& a, const Policy& b) { return !(a == b); }

// What parse_policy takes, in a few lines for a program's help.
std::string augment_help();
// All augmenters and presets with their parameters, ranges and defaults, a line each.
std::string augment_table();

}  // namespace counterpoise::augment
