#include "apps/show/plain_sheet.h"

#include "apps/show/sheet.h"

namespace counterpoise {

std::string sheet_png(const std::string& title, const std::vector<PlainRow>& rows) {
  contact_sheet::Sheet sheet;
  sheet.title = title;
  for (const PlainRow& row : rows) {
    sheet.rows.push_back({row.heading, {}});
    for (const PlainTile& tile : row.tiles) {
      sheet.tile_size = contact_sheet::tile_size_for(tile.side);
      sheet.rows.back().tiles.push_back({{tile.side, tile.side, tile.rgb}, tile.caption});
    }
  }
  return contact_sheet::png(contact_sheet::draw(sheet));
}

}  // namespace counterpoise
