/* cli/option.c: reads options by their table, prints help from it. */
#include "cli/option.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outside_text.h"
#include "cli/verb.h"

enum { ERROR_BYTES = 8192, WIDTH = 80, HELP_COLUMN = 26 };

/* A factor by the letters that may follow a number. */
struct suffix {
    const char *text;
    double factor;
};

static const struct suffix size_suffixes[] = {
    {"", 1},         {"B", 1},       {"K", 0x1p10},   {"KB", 0x1p10},  {"KiB", 0x1p10},
    {"M", 0x1p20},   {"MB", 0x1p20}, {"MiB", 0x1p20}, {"G", 0x1p30},   {"GB", 0x1p30},
    {"GiB", 0x1p30}, {"T", 0x1p40},  {"TB", 0x1p40},  {"TiB", 0x1p40}, {NULL, 0},
};

static const struct suffix duration_suffixes[] = {
    {"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {NULL, 0},
};

int cli_error(int exit_code, const char *format, ...) {
    char line[ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "neap: %s\n", neap_outside_text_clean(line));
    return exit_code;
}

/* --- values ------------------------------------------------------------ */

/* Reads a plain decimal number, up to *end. strtod alone would accept "inf", "0x1p3" and blanks. */
static bool number_read(const char *text, double *value, char **end) {
    const char *digits = text + (*text == '-');
    if (!((*digits >= '0' && *digits <= '9') || *digits == '.') || digits[1] == 'x' || digits[1] == 'X')
        return false;
    *value = strtod(text, end);
    return *end != text && isfinite(*value);
}

static bool scaled_parse(const char *text, const struct suffix *suffixes, uint64_t *result) {
    double value;
    char *end;
    if (!number_read(text, &value, &end) || value < 0)
        return false;
    for (; suffixes->text; suffixes++) {
        if (strcasecmp(end, suffixes->text) != 0)
            continue;
        if (value * suffixes->factor >= 0x1p64)
            return false;
        *result = (uint64_t)(value * suffixes->factor);
        return true;
    }
    return false;
}

bool cli_size_parse(const char *text, uint64_t *bytes) {
    return scaled_parse(text, size_suffixes, bytes);
}

bool cli_duration_parse(const char *text, uint64_t *ns) {
    return scaled_parse(text, duration_suffixes, ns);
}

static bool integer_parse(const char *text, int64_t *result) {
    const char *digits = text + (*text == '-');
    if (*digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *result = value;
    return true;
}

static const char *const kind_names[] = {
    [CLI_FLAG] = "no value", [CLI_INTEGER] = "a whole number", [CLI_STRING] = "a text",
    [CLI_OUTPUT] = "a file", [CLI_SIZE] = "a size like 512M",  [CLI_DURATION] = "a time like 10s or 200ms",
};

/* Reads `text` as the value of `option`, compares it with the bounds and stores it in the target. False if it
 * is not valid; the target is then unchanged. */
static bool value_store(const struct cli_option *option, const char *text) {
    union {
        int64_t integer;
        uint64_t natural;
    } value = {0};
    double magnitude = 0;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->target = true;
        return true;
    case CLI_STRING:
    case CLI_OUTPUT:
        *(const char **)option->target = text;
        return true;
    case CLI_INTEGER:
        if (!integer_parse(text, &value.integer))
            return false;
        magnitude = (double)value.integer;
        break;
    case CLI_SIZE:
    case CLI_DURATION:
        if (!scaled_parse(text, option->kind == CLI_SIZE ? size_suffixes : duration_suffixes, &value.natural))
            return false;
        magnitude = (double)value.natural;
        break;
    }
    bool bounded = option->least != 0 || option->most != 0;
    if (bounded && (magnitude < option->least || magnitude > option->most))
        return false;
    static_assert(sizeof(value) == 8, "each target of a number is 8 bytes");
    memcpy(option->target, &value, sizeof(value));
    return true;
}

/* --- parsing ----------------------------------------------------------- */

struct reading {
    const struct cli_option *table;
    const struct cli_usage *usage;
    int argc, at; /* argv[at] is read next */
    char **argv;
};

static const struct cli_option *long_find(const struct cli_option *table, const char *name, size_t length) {
    for (; table->name; table++)
        if (strncmp(table->name, name, length) == 0 && table->name[length] == '\0')
            return table;
    return NULL;
}

static const struct cli_option *letter_find(const struct cli_option *table, char letter) {
    for (; table->name; table++)
        if (table->letter == letter)
            return table;
    return NULL;
}

/* A bound as a user would write it: "1M", "86400s", "100". */
static char *bound_text(char *text, size_t bytes, enum cli_option_kind kind, double bound) {
    static const char *const letters[] = {"", "K", "M", "G", "T"};
    size_t letter = 0;
    for (; kind == CLI_SIZE && bound >= 1024 && letter < 4; letter++)
        bound /= 1024;
    if (kind == CLI_DURATION)
        bound /= 1e9;
    snprintf(text, bytes, "%.15g%s", bound, kind == CLI_DURATION ? "s" : letters[letter]);
    return text;
}

static int value_refuse(const struct reading *reading, const struct cli_option *option, const char *text) {
    char least[32], most[32];
    if (option->least == 0 && option->most == 0)
        return cli_error(CLI_EXIT_USAGE, "wrong value '%s' for --%s: give %s (see `neap %s --help`)", text,
                         option->name, kind_names[option->kind], reading->usage->verb);
    return cli_error(
        CLI_EXIT_USAGE, "wrong value '%s' for --%s: give %s, from %s to %s (see `neap %s --help`)", text,
        option->name, kind_names[option->kind], bound_text(least, sizeof(least), option->kind, option->least),
        bound_text(most, sizeof(most), option->kind, option->most), reading->usage->verb);
}

/* Gives `option` its value: `inline_text` if it is not NULL, else the next argument. */
static int option_take(struct reading *reading, const struct cli_option *option, const char *inline_text) {
    const char *text = inline_text;
    if (option->kind == CLI_OUTPUT && !text)
        text = "-";
    if (option->kind == CLI_FLAG && text)
        return cli_error(CLI_EXIT_USAGE, "--%s takes no value, it was given '%s': leave that out",
                         option->name, text);
    if (option->kind != CLI_FLAG && !text) {
        if (reading->at >= reading->argc)
            return cli_error(CLI_EXIT_USAGE, "--%s has no value: give %s (see `neap %s --help`)",
                             option->name, option->argument, reading->usage->verb);
        text = reading->argv[reading->at++];
    }
    return value_store(option, text) ? CLI_GO_ON : value_refuse(reading, option, text);
}

static int help_print(const struct reading *reading) {
    cli_options_print(reading->table, reading->usage);
    return CLI_EXIT_DONE;
}

static int long_read(struct reading *reading, const char *name) {
    size_t length = strcspn(name, "=");
    const struct cli_option *option = long_find(reading->table, name, length);
    if (option)
        return option_take(reading, option, name[length] == '=' ? name + length + 1 : NULL);
    if (strcmp(name, "help") == 0)
        return help_print(reading);
    return cli_error(CLI_EXIT_USAGE, "unknown option --%.*s of %s: see `neap %s --help`", (int)length, name,
                     reading->usage->verb, reading->usage->verb);
}

static int letters_read(struct reading *reading, const char *letters) {
    while (*letters) {
        const struct cli_option *option = letter_find(reading->table, *letters);
        if (!option && *letters == 'h')
            return help_print(reading);
        if (!option)
            return cli_error(CLI_EXIT_USAGE, "unknown option -%c of %s: see `neap %s --help`", *letters,
                             reading->usage->verb, reading->usage->verb);
        letters++;
        bool flag = option->kind == CLI_FLAG;
        int code = option_take(reading, option, flag || !*letters ? NULL : letters);
        if (code != CLI_GO_ON || !flag)
            return code;
    }
    return CLI_GO_ON;
}

int cli_options_parse(const struct cli_option *table, const struct cli_usage *usage, int argc, char **argv,
                      int *rest) {
    struct reading reading = {table, usage, argc, 1, argv};
    int operand_count = 0; /* the operands read so far are moved to argv[1] and on */
    while (reading.at < argc) {
        char *word = argv[reading.at];
        bool is_option = word[0] == '-' && word[1] != '\0';
        if (!is_option && !usage->mixed)
            break;
        reading.at++;
        if (!is_option) {
            argv[1 + operand_count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0)
            break;
        int code = word[1] == '-' ? long_read(&reading, word + 2) : letters_read(&reading, word + 1);
        if (code != CLI_GO_ON)
            return code;
    }
    *rest = reading.at - operand_count;
    memmove(argv + *rest, argv + 1, (size_t)operand_count * sizeof(*argv));
    return CLI_GO_ON;
}

/* --- help -------------------------------------------------------------- */

void cli_text_write(const char *text, int column, int indent, FILE *out) {
    bool first = true;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        if (!first)
            fputc(' ', out);
        fprintf(out, "%.*s", length, text);
        column += length + !first;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void cli_text_print(const char *text, int column, int indent) {
    cli_text_write(text, column, indent, stdout);
}

static void option_print(const struct cli_option *option) {
    char letter[] = {'-', option->letter, ',', '\0'};
    const char *format = option->kind == CLI_OUTPUT ? "[=%s]" : " %s";
    int column = printf("  %3s --%s", option->letter ? letter : "", option->name);
    if (option->argument)
        column += printf(format, option->argument);
    if (column >= HELP_COLUMN) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_COLUMN - column, "");
    cli_text_print(option->help, HELP_COLUMN, HELP_COLUMN);
}

void cli_options_print(const struct cli_option *table, const struct cli_usage *usage) {
    int column = printf("Usage: neap %s ", usage->verb);
    cli_text_print(usage->synopsis, column, column);
    if (usage->about) {
        putchar('\n');
        cli_text_print(usage->about, 0, 0);
    }
    printf("\nOptions:\n");
    for (const struct cli_option *option = table; option->name; option++)
        option_print(option);
    option_print(&(struct cli_option){.name = "help", .letter = 'h', .help = "print this text"});
}
