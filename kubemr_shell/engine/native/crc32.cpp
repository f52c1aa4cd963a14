// CRC-32 by folding with carry-less multiplication if the processor has it, else by sixteen tables.
#include "crc32.hpp"

#include <array>

#include "cpu.hpp"

namespace kubemr {
namespace {

constexpr u32 kPolynomial = 0xedb88320;  // reflected: the lowest bit is the highest power

// kTables[n][b]: the effect of byte b followed by n bytes of zero.
constexpr std::array<std::array<u32, 256>, 16> make_tables() {
  std::array<std::array<u32, 256>, 16> tables{};
  for (u32 byte = 0; byte < 256; ++byte) {
    u32 crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < 16; ++n) {
    for (u32 byte = 0; byte < 256; ++byte) {
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

// `state` is the inverted CRC.
u32 by_tables(u32 state, const u8* data, std::size_t size) {
  for (; size >= 16; data += 16, size -= 16) {
    const u64 low = load64(data) ^ state;
    const u64 high = load64(data + 8);
    state = 0;
    for (std::size_t byte = 0; byte < 8; ++byte) {
      state ^= kTables[15 - byte][(low >> (8 * byte)) & 0xff] ^ kTables[7 - byte][(high >> (8 * byte)) & 0xff];
    }
  }
  for (; size > 0; ++data, --size) state = (state >> 8) ^ kTables[0][(state ^ *data) & 0xff];
  return state;
}

#ifdef KUBEMR_X86
// Returns x^power modulo the polynomial, reflected and shifted up by one bit. The product of a 64-bit half with this
// factor is the half moved by `power` bits.
constexpr u64 power_of_x(int power) {
  u32 value = 0x80000000;  // x^0
  for (int n = 0; n < power; ++n) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
  return static_cast<u64>(value) << 1;
}

#define KUBEMR_PCLMUL __attribute__((target("pclmul,sse4.1")))

template <int kBits>
KUBEMR_PCLMUL inline __m128i fold(__m128i value, __m128i next) {
  const __m128i powers =
      _mm_set_epi64x(static_cast<long long>(power_of_x(kBits - 32)), static_cast<long long>(power_of_x(kBits + 32)));
  const __m128i low = _mm_clmulepi64_si128(value, powers, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

KUBEMR_PCLMUL u32 by_folding(u32 state, const u8* data, std::size_t size) {
  const auto load = [](const u8* from)
                        KUBEMR_PCLMUL { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
  __m128i a = _mm_xor_si128(load(data), _mm_cvtsi32_si128(static_cast<int>(state)));
  __m128i b = load(data + 16);
  __m128i c = load(data + 32);
  __m128i d = load(data + 48);
  for (data += 64, size -= 64; size >= 64; data += 64, size -= 64) {
    a = fold<512>(a, load(data));
    b = fold<512>(b, load(data + 16));
    c = fold<512>(c, load(data + 32));
    d = fold<512>(d, load(data + 48));
  }
  a = fold<128>(fold<128>(fold<128>(a, b), c), d);
  for (; size >= 16; data += 16, size -= 16) a = fold<128>(a, load(data));
  // The 16 bytes that are left have the same remainder as all folded bytes. The tables finish them and the tail.
  alignas(16) u8 folded[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(folded), a);
  return by_tables(by_tables(0, folded, 16), data, size);
}
#endif

}  // namespace

u32 crc32(u32 crc, const u8* data, std::size_t size) {
#ifdef KUBEMR_X86
  if (size >= 128 && has_pclmul()) return ~by_folding(~crc, data, size);
#endif
  return ~by_tables(~crc, data, size);
}

}  // namespace kubemr
