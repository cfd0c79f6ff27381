// What this program can train: a row of a published table may need a network or an option that it does not have. The
// functions use no state, so they are safe to call from several threads.
#pragma once

#include <string>

namespace counterpoise {

// Why a row with this network, loss or option of training cannot be trained, for a message; "" if it can.
std::string missing_model(const std::string& name);
std::string missing_loss(const std::string& name);
std::string missing_option(const std::string& key);  // without "--"

}  // namespace counterpoise
