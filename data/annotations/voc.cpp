#include "data/annotations/voc.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <pugixml.hpp>

#include "core/io/file.h"
#include "core/text.h"
#include "data/images/image_folder.h"
#include "data/tables/csv.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using detail::in_quotes;
using detail::trimmed;
using pugi::xml_node;

namespace {

constexpr size_t largest_file = size_t{8} << 20;
constexpr int deepest = 16;

constexpr const char* spaces = " \t\r\n";

// Text that is read as it was written: UTF-8 without control characters or spaces around it.
bool is_plain(const std::string& text) {
  const bool controls = std::any_of(text.begin(), text.end(), detail::is_control);
  return detail::is_utf8(text) && !controls && text == trimmed(text, spaces);
}

// -- reading --

// An element of the file, and how messages call it.
struct Element {
  const xml_node node;
  const std::string place;

  // The only child of that name; an empty one if there is none.
  Element child(const char* name, bool optional = false) const {
    const xml_node found = node.child(name);
    CP_ENSURE_AS(bad_data, optional || found, place, ": it has no <", name, ">");
    CP_ENSURE_AS(bad_data, !found.next_sibling(name), place, ": it has more than one <", name, ">");
    return {found, place + ": its <" + name + ">"};
  }
  std::string text() const {
    const std::string y(trimmed(node.text().get(), spaces));
    CP_ENSURE_AS(bad_data, !y.empty() && is_plain(y), place, " is ", in_quotes(y),
                 "; valid is text in UTF-8 of one character or more on one line");
    return y;
  }
  double number() const {
    double y = 0;
    const std::string given(trimmed(node.text().get(), spaces));
    CP_ENSURE_AS(bad_data, parse_csv_number(given, y), place, " is ", in_quotes(given), "; valid is a number");
    return y;
  }
  int64_t pixels() const {
    const double y = number();
    CP_ENSURE_AS(bad_data, std::fabs(y) < 1e9 && y == std::floor(y), place, " is ", y, "; valid is a number of pixels");
    return int64_t(y);
  }
  bool flag() const {
    const double y = node ? number() : 0;
    CP_ENSURE_AS(bad_data, y == 0 || y == 1, place, " is ", y, "; valid are 0 and 1");
    return y == 1;
  }
};

struct Depth : pugi::xml_tree_walker {
  bool for_each(xml_node&) override { return depth() < deepest; }
};

AnnotatedObject object_of(const Element& from, Size image) {
  AnnotatedObject object;
  object.category = from.child("name").text();
  const Element corners = from.child("bndbox");
  object.box = Box{corners.child("xmin").number() - 1, corners.child("ymin").number() - 1,
                   corners.child("xmax").number(), corners.child("ymax").number()};
  object.difficult = from.child("difficult", true).flag();
  object.truncated = from.child("truncated", true).flag();
  const Element pose = from.child("pose", true);
  if (!trimmed(pose.node.text().get(), spaces).empty()) object.pose = pose.text();
  check(object, image, from.place);
  return object;
}

// -- writing --

// The shortest decimal number without an exponent that is read as x.
std::string decimal(double x) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof digits, x, std::chars_format::fixed).ptr};
}

void add(xml_node node, const char* name, const std::string& text) { node.append_child(name).text() = text.c_str(); }

struct StringWriter : pugi::xml_writer {
  std::string text;
  void write(const void* data, size_t size) override { text.append(static_cast<const char*>(data), size); }
};

}  // namespace

AnnotatedFile read_voc(const std::string& path) {
  const std::string content = read_file(path, largest_file);
  CP_ENSURE_AS(bad_data, !content.empty(), path, ": empty file; valid is Pascal VOC's XML");
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(content.data(), content.size(), pugi::parse_default | pugi::parse_doctype);
  CP_ENSURE_AS(bad_data, result, path, ": not valid XML at byte ", result.offset, " of ", content.size(), ": ",
               result.description());
  Depth depth;
  CP_ENSURE_AS(bad_data, document.traverse(depth), path, ": nested too deeply: valid are fewer than ", deepest,
               " levels");
  for (const xml_node node : document) {
    CP_ENSURE_AS(bad_data, node.type() != pugi::node_doctype, path,
                 ": it has a document type, which is refused because it can name other files; remove it");
  }
  const xml_node root = document.document_element();
  CP_ENSURE_AS(bad_data, std::string(root.name()) == "annotation", path, ": its root is <",
               std::string(root.name()).substr(0, 80), ">; that of Pascal VOC's files is <annotation>");

  const Element annotation{root, path};
  AnnotatedFile file;
  file.path = annotation.child("filename").text();
  const Element size = annotation.child("size");
  const int64_t height = size.child("height").pixels(), width = size.child("width").pixels();
  check_size(height, width, path);
  file.height = int(height), file.width = int(width);
  for (const xml_node node : root.children("object")) {
    const std::string place = detail::text(path, ": object ", file.objects.size());
    file.objects.push_back(object_of({node, place}, {file.height, file.width}));
  }
  file.note = beyond_image(file);
  return file;
}

void write_voc(const AnnotatedFile& file, const std::string& path) {
  const std::string start = "cannot write " + path;
  const auto check_text = [&](const std::string& text, const std::string& place, const char* what) {
    CP_ENSURE_AS(bad_data, !text.empty() && is_plain(text), place, ": its ", what, " is ", in_quotes(text),
                 "; valid is text in UTF-8 of one character or more on one line");
  };
  check_text(file.path, start, "path");
  check_size(file.height, file.width, start);
  pugi::xml_document document;
  xml_node root = document.append_child("annotation");
  add(root, "filename", file.path);
  xml_node size = root.append_child("size");
  add(size, "width", std::to_string(file.width));
  add(size, "height", std::to_string(file.height));
  add(size, "depth", "3");
  add(root, "segmented", "0");
  for (size_t k = 0; k < file.objects.size(); ++k) {
    const AnnotatedObject& object = file.objects[k];
    const std::string place = detail::text(start, ": object ", k);
    check_text(object.category, place, "category");
    CP_ENSURE_AS(bad_data, object.box, place, ": it has no box, which Pascal VOC's files need");
    CP_ENSURE_AS(bad_data, object.polygons.empty() && !object.mask && object.keypoints.empty() && !object.crowd, place,
                 ": it has polygons, a mask, keypoints or the mark of a crowd, which Pascal VOC's files cannot hold");
    check(object, {file.height, file.width}, place);
    xml_node node = root.append_child("object");
    add(node, "name", object.category);
    if (!object.pose.empty()) {
      check_text(object.pose, place, "pose");
      add(node, "pose", object.pose);
    }
    add(node, "truncated", object.truncated ? "1" : "0");
    add(node, "difficult", object.difficult ? "1" : "0");
    xml_node corners = node.append_child("bndbox");
    add(corners, "xmin", decimal(difference(object.box->left, -1)));
    add(corners, "ymin", decimal(difference(object.box->top, -1)));
    add(corners, "xmax", decimal(object.box->right));
    add(corners, "ymax", decimal(object.box->bottom));
  }
  StringWriter writer;
  document.save(writer, "  ", pugi::format_indent | pugi::format_no_declaration);
  write_file(path, writer.text);
}

}  // namespace counterpoise::augment
