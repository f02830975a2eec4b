/* base/setting.c: the table of settings. */
#include "base/setting.h"

#include <errno.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

const struct neap_setting neap_settings[NEAP_SETTINGS] = {
    [NEAP_SETTING_SUMMARY] = {.variable = "NEAP_SUMMARY",
                              .option = "summary",
                              .flag = true,
                              .standard = "0",
                              .help = "print at exit what memory was used and given back",
                              .most = 1},
    [NEAP_SETTING_MESH] = {.variable = "NEAP_MESH",
                           .option = "no-mesh",
                           .flag = false,
                           .standard = "1",
                           .help = "let no sparse pages share memory, for which the threads are stopped for "
                                   "moments: what scattered objects hold then stays",
                           .most = 1},
    [NEAP_SETTING_HARDEN] = {.variable = "NEAP_HARDEN",
                             .option = "harden",
                             .flag = true,
                             .standard = "0",
                             .help =
                                 "make misuse of memory hard to exploit: freed memory is zeroed and rests, "
                                 "a wrong free ends the program",
                             .most = 1},
    [NEAP_SETTING_CHECK] = {.variable = "NEAP_CHECK",
                            .option = "check",
                            .flag = true,
                            .standard = "0",
                            .help = "find misuse of memory (double free, write past the end ...) and end "
                                    "with one line that names the block; slower",
                            .most = 1},
    [NEAP_SETTING_DECAY_MS] = {.variable = "NEAP_DECAY_MS",
                               .option = "decay",
                               .argument = "MS",
                               .standard = "100",
                               .help = "keep free pages for that many milliseconds, in case they are needed "
                                       "again",
                               .kind = NEAP_SETTING_INTEGER,
                               .least = 1,
                               .most = 3600000},
    [NEAP_SETTING_HELPER] = {.variable = "NEAP_HELPER",
                             .option = "no-helper",
                             .flag = false,
                             .standard = "1",
                             .help = "start no helper thread: an idle program then keeps its free memory, "
                                     "but for neap.trim()",
                             .most = 1},
    [NEAP_SETTING_LIMIT_BYTES] = {.variable = "NEAP_LIMIT_BYTES",
                                  .option = "limit",
                                  .argument = "SIZE",
                                  .standard = "no limit",
                                  .help = "let the heap hold no more memory than that (512M, 2G); beyond it "
                                          "Python raises MemoryError",
                                  .kind = NEAP_SETTING_SIZE,
                                  .least = MIB,
                                  .most = 1024 * TIB},
    [NEAP_SETTING_RESERVE_BYTES] = {.variable = "NEAP_RESERVE_BYTES",
                                    .option = "reserve",
                                    .argument = "SIZE",
                                    .standard = "4 times the machine's memory",
                                    .help = "take that much address space at the start: it costs no memory, "
                                            "and more is taken when needed",
                                    .kind = NEAP_SETTING_SIZE,
                                    .least = MIB,
                                    .most = 16 * TIB},
    [NEAP_SETTING_OFF] = {.variable = "NEAP_OFF",
                          .flag = true,
                          .standard = "0",
                          .help = "leave this program on CPython's own heap, though it is started under Neap",
                          .most = 1},
    [NEAP_SETTING_CONFINE] = {.variable = "NEAP_CONFINE",
                              .flag = false,
                              .standard = "1",
                              .help = "let look, pins, advise and map keep their rights while they analyse "
                                      "what others wrote",
                              .most = 1},
};

bool neap_setting_parse(const struct neap_setting *setting, const char *text, uint64_t *value) {
    if (*text < '0' || *text > '9') /* strtoull would accept blanks and signs */
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < setting->least || number > setting->most)
        return false;
    if (setting->kind == NEAP_SETTING_FLAG && text[1] != '\0')
        return false;
    *value = number;
    return true;
}
