/* Options by a table: what is taken, what is refused, and what is left for the verb. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option.h"
#include "cli/verb.h"

enum { WORDS_MAX = 16 };

struct wanted {
    bool flag, other;
    int64_t integer;
    const char *string, *output;
    uint64_t size, duration;
};

struct outcome {
    struct wanted wanted;
    int code, rest, argc;
    char *argv[WORDS_MAX];
    char text[512]; /* what the words point into */
};

/* Parses `line`, words separated by blanks, into *outcome. */
static void parse(struct outcome *outcome, const char *line, bool mixed) {
    *outcome = (struct outcome){.argc = 1, .rest = -1};
    struct wanted *wanted = &outcome->wanted;
    const struct cli_usage usage = {.verb = "verb", .synopsis = "[options] ...", .mixed = mixed};
    const struct cli_option table[] = {
        {"flag", 'f', NULL, "a flag", CLI_FLAG, &wanted->flag, 0, 0},
        {"other", 'o', NULL, "another", CLI_FLAG, &wanted->other, 0, 0},
        {"integer", 'n', "N", "a whole number", CLI_INTEGER, &wanted->integer, 1, 100},
        {"string", 's', "TEXT", "a text", CLI_STRING, &wanted->string, 0, 0},
        {"output", 0, "FILE", "a form of output", CLI_OUTPUT, &wanted->output, 0, 0},
        {"size", 0, "SIZE", "a size", CLI_SIZE, &wanted->size, 0, 0},
        {"duration", 0, "TIME", "a time", CLI_DURATION, &wanted->duration, 0, 0},
        {.name = NULL},
    };
    outcome->argv[0] = outcome->text;
    snprintf(outcome->text, sizeof(outcome->text), "verb %s", line);
    strtok(outcome->text, " ");
    for (char *word = strtok(NULL, " "); word; word = strtok(NULL, " ")) {
        assert_true(outcome->argc < WORDS_MAX - 1);
        outcome->argv[outcome->argc++] = word;
    }
    outcome->code = cli_options_parse(table, &usage, outcome->argc, outcome->argv, &outcome->rest);
}

/* The operands, joined by commas. */
static const char *rest_of(const struct outcome *outcome) {
    static char joined[512];
    joined[0] = '\0';
    for (int i = outcome->rest; i < outcome->argc; i++)
        snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", joined[0] ? "," : "",
                 outcome->argv[i]);
    return joined;
}

static void test_all_kinds(void **state) {
    (void)state;
    struct outcome got;
    parse(&got, "--flag --integer 42 -sabc --size 1.5K --duration 200ms x --other", false);
    assert_int_equal(got.code, CLI_GO_ON);
    assert_true(got.wanted.flag && !got.wanted.other);
    assert_int_equal(got.wanted.integer, 42);
    assert_string_equal(got.wanted.string, "abc");
    assert_int_equal(got.wanted.size, 1536);
    assert_int_equal(got.wanted.duration, 200000000);
    assert_string_equal(rest_of(&got), "x,--other");
}

static void test_where_options_end(void **state) {
    (void)state;
    struct outcome got;
    const struct {
        const char *line;
        bool mixed;
        const char *rest;
    } cases[] = {
        {"", false, ""},
        {"-f cmd -f", false, "cmd,-f"},
        {"-f -- -f", false, "-f"},
        {"-- --", false, "--"},
        {"- -f", false, "-,-f"},
        {"--string --", false, ""}, /* the value of --string */
        {"12 --flag", true, "12"},
        {"12 --integer 5 13 -f 14", true, "12,13,14"},
        {"12 -- --flag 13", true, "12,--flag,13"},
        {"12 13", true, "12,13"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(&got, cases[i].line, cases[i].mixed);
        assert_int_equal(got.code, CLI_GO_ON);
        assert_string_equal(rest_of(&got), cases[i].rest);
    }
}

static void test_letters(void **state) {
    (void)state;
    struct outcome got;
    parse(&got, "-fon7 rest", false);
    assert_int_equal(got.code, CLI_GO_ON);
    assert_true(got.wanted.flag && got.wanted.other);
    assert_int_equal(got.wanted.integer, 7);
    parse(&got, "-n 9 -n 8", false); /* the later wins */
    assert_int_equal(got.wanted.integer, 8);
}

/* The file of an output stands behind a "=": a word behind it is an operand. */
static void test_output(void **state) {
    (void)state;
    struct outcome got;
    parse(&got, "12", true);
    assert_null(got.wanted.output);
    parse(&got, "--output 12", true);
    assert_string_equal(got.wanted.output, "-");
    assert_string_equal(rest_of(&got), "12");
    parse(&got, "--output=a.json 12", true);
    assert_string_equal(got.wanted.output, "a.json");
    parse(&got, "12 --output", true);
    assert_string_equal(got.wanted.output, "-");
}

static void test_wrong_usage_is_one_line(void **state) {
    (void)state;
    const char *lines[] = {
        "--nosuch",
        "-x",
        "-fx",
        "--fla",
        "--flag=1",
        "--integer",
        "--integer x",
        "--integer 0",
        "--integer 101",
        "--integer 5x",
        "--integer= ",
        "-n",
        "--size 0x10",
        "--size inf",
        "--size nan",
        "--size -1",
        "--size 1X",
        "--size 99999999T",
        "--duration 1y",
        "--duration ms",
        "--integer 99999999999999999999",
    };
    int saved = dup(STDERR_FILENO), ends[2];
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct outcome got;
        char said[512];
        assert_int_equal(pipe(ends), 0);
        dup2(ends[1], STDERR_FILENO);
        parse(&got, lines[i], false);
        dup2(saved, STDERR_FILENO);
        close(ends[1]);
        ssize_t length = read(ends[0], said, sizeof(said) - 1);
        close(ends[0]);
        assert_true(length > 0);
        said[length] = '\0';
        assert_int_equal(got.code, CLI_EXIT_USAGE);
        assert_int_equal(strncmp(said, "neap: ", 6), 0);
        assert_ptr_equal(strchr(said, '\n'), said + length - 1);
        assert_int_equal(got.wanted.integer, 0); /* untouched */
    }
    close(saved);
}

static void test_sizes_and_durations(void **state) {
    (void)state;
    uint64_t value = 0;
    const struct {
        const char *text;
        uint64_t value;
    } sizes[] = {{"0", 0}, {"7", 7}, {"1k", 1024}, {"2MiB", 2 << 20}, {"1G", 1 << 30}, {".5K", 512}},
      durations[] = {{"2", 2000000000}, {"1.5s", 1500000000}, {"3us", 3000}, {"1m", 60000000000}, {"7ns", 7}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(cli_size_parse(sizes[i].text, &value));
        assert_int_equal(value, sizes[i].value);
    }
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        assert_true(cli_duration_parse(durations[i].text, &value));
        assert_int_equal(value, durations[i].value);
    }
    assert_false(cli_size_parse("", &value) || cli_size_parse("K", &value) || cli_size_parse(" 1", &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_where_options_end),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_wrong_usage_is_one_line),
        cmocka_unit_test(test_sizes_and_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
