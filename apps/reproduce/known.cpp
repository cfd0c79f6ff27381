#include "apps/reproduce/known.h"

#include <algorithm>

#include "apps/trainer/format.h"
#include "apps/trainer/option_rows.h"
#include "layers/models/models.h"
#include "losses/registry.h"

namespace counterpoise {

namespace {

std::string missing(const char* what, const std::string& name, const std::vector<std::string>& all) {
  if (std::find(all.begin(), all.end(), name) != all.end()) return "";
  return text("this program has no ", what, " ", name);
}

}  // namespace

std::string missing_model(const std::string& name) { return missing("network", name, model_names()); }

std::string missing_loss(const std::string& name) { return missing("loss", name, loss_names()); }

std::string missing_option(const std::string& key) {
  Options options;
  return missing("option", key, option_rows(options).keys("train"));
}

}  // namespace counterpoise
