#include "framework/io/checkpoint.hpp"

#include <zlib.h>

#include <fstream>
#include <iterator>

#include "framework/core/errors.hpp"
#include "framework/io/replace_file.hpp"

namespace strata {
namespace {

// "strata-checkpoint 1 <crc32> <length>\n", then that many bytes of CBOR.
constexpr const char* magic = "strata-checkpoint 1";

std::uint32_t checksum(const char* bytes, std::size_t length) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes), length));
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const nlohmann::json& content) {
  std::string body;
  nlohmann::json::to_cbor(content, body);
  replace_file(path, cat(magic, ' ', checksum(body.data(), body.size()), ' ', body.size(), '\n') + body);
}

nlohmann::json read_checkpoint(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw DataError(cat("checkpoint ", path.string(), ": cannot be opened"));
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto broken = [&](const std::string& how) {
    return DataError(cat("checkpoint ", path.string(), ": ", how, "; delete it to train this run from the beginning"));
  };
  const std::size_t line_end = bytes.find('\n');
  if (bytes.rfind(magic, 0) != 0 || line_end == std::string::npos || line_end > 100) {
    throw broken("not a checkpoint of this version");
  }
  std::istringstream header(bytes.substr(std::string(magic).size(), line_end - std::string(magic).size()));
  std::uint32_t sum = 0;
  std::size_t length = 0;
  header >> sum >> length;
  const std::size_t held = bytes.size() - line_end - 1;
  if (!header || length != held) throw broken(cat("truncated: ", held, " of ", length, " bytes"));
  if (checksum(bytes.data() + line_end + 1, length) != sum) throw broken("damaged: its checksum does not fit");
  try {
    return nlohmann::json::from_cbor(bytes.begin() + static_cast<std::ptrdiff_t>(line_end) + 1, bytes.end());
  } catch (const nlohmann::json::exception& e) {
    throw broken(e.what());
  }
}

}  // namespace strata
