// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/cubin.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <elf.h>
#include <memory>

namespace assay::engine {

namespace {

constexpr unsigned char kEntryFlag = 0x10;  // STO_CUDA_ENTRY in a symbol's st_other

template <typename T>
std::optional<T> read_at(std::string_view image, std::uint64_t offset) {
  if (offset > image.size() || image.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, image.data() + offset, sizeof(T));
  return value;
}

std::string_view bytes_at(std::string_view image, std::uint64_t offset, std::uint64_t size) {
  if (offset > image.size() || image.size() - offset < size) {
    return {};
  }
  return image.substr(offset, size);
}

std::string text_at(std::string_view table, std::uint64_t offset) {
  if (offset >= table.size()) {
    return {};
  }
  const std::string_view rest = table.substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

// The demangler also takes bare type encodings: `f`, a legal C name, would become "float".
std::string readable_name(const std::string& symbol) {
  if (!symbol.starts_with("_Z")) {
    return symbol;
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? std::string(name.get()) : symbol;
}

}  // namespace

std::vector<CubinKernel> read_kernels(std::string_view image) {
  std::vector<CubinKernel> kernels;
  const auto header = read_at<Elf64_Ehdr>(image, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_shentsize != sizeof(Elf64_Shdr)) {
    return kernels;
  }
  std::vector<Elf64_Shdr> sections;
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto section = read_at<Elf64_Shdr>(image, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!section) {
      return kernels;
    }
    sections.push_back(*section);
  }
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) {
      continue;
    }
    const std::string_view symbols = bytes_at(image, section.sh_offset, section.sh_size);
    const Elf64_Shdr& names = sections[section.sh_link];
    const std::string_view strings = bytes_at(image, names.sh_offset, names.sh_size);
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = read_at<Elf64_Sym>(symbols, at);
      const bool entry =
          ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && (symbol->st_other & kEntryFlag) != 0;
      if (entry) {
        const std::string name = text_at(strings, symbol->st_name);
        kernels.push_back({name, readable_name(name), std::nullopt});
      }
    }
  }
  std::sort(kernels.begin(), kernels.end(),
            [](const auto& left, const auto& right) { return left.readable < right.readable; });
  if (header->e_shstrndx < sections.size()) {
    const Elf64_Shdr& table = sections[header->e_shstrndx];
    const std::string_view names = bytes_at(image, table.sh_offset, table.sh_size);
    for (const Elf64_Shdr& section : sections) {
      const std::string name = text_at(names, section.sh_name);
      for (CubinKernel& kernel : kernels) {
        if (name == ".nv.constant0." + kernel.symbol) {
          kernel.constant_bytes = static_cast<std::int64_t>(section.sh_size);
        }
      }
    }
  }
  return kernels;
}

}  // namespace assay::engine
