/* Axes, the drawing, the page, and what becomes of hostile text in them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/axis.h"
#include "report/json.h"
#include "report/markup.h"
#include "report/page.h"

static void test_axis(void **state) {
    (void)state;
    struct neap_axis axis = neap_axis_make(93, 6, 1);
    assert_float_equal(axis.step, 20, 0);
    assert_int_equal(axis.marks, 6);
    assert_int_equal(axis.decimals, 0);
    axis = neap_axis_make(100, 6, 1);
    assert_int_equal(axis.marks, 6); /* 0, 20 ... 100 and no more */
    axis = neap_axis_make(2.15, 7, 0);
    assert_float_equal(axis.step, 0.5, 0);
    assert_int_equal(axis.marks, 5);
    assert_int_equal(axis.decimals, 1);
    for (double most = 1e-6; most < 1e12; most *= 1.37) {
        axis = neap_axis_make(most, 6, 1);
        assert_true((double)(axis.marks - 1) * axis.step >= most * (1 - 1e-6));
        assert_in_range(axis.marks, 4, 10);
    }
    assert_true(neap_axis_make(0, 6, 1).marks >= 2);
}

static const double falling[] = {0, 50, 90, 10, 10}, brief[] = {0, 20, 80, NAN, NAN};

static const struct neap_chart_line lines[] = {
    {"one", "one 10 MB", "#d1495b", false, falling},
    {"</script><b>", "two <&> 80 MB", "#0077c8", true, brief},
};

static const struct neap_chart chart = {
    .name = "RSS",
    .title = "a \"title\" & <more> \xff",
    .note = "note",
    .x_title = "seconds",
    .y_title = "MB",
    .x_step = 0.5,
    .count = 5,
    .lines = lines,
    .line_count = 2,
};

static char *drawn(void (*draw)(FILE *out)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    draw(out);
    fclose(out);
    return text;
}

static void svg_draw(FILE *out) {
    neap_chart_svg(&chart, out);
}

static void page_draw(FILE *out) {
    neap_page_begin(out, "a <title>");
    neap_page_code(out, "neap compare -- python3 -c 'print(1 < 2)'");
    neap_page_charts(out, &chart, 1);
    neap_page_end(out);
}

static size_t occurrences(const char *text, const char *of) {
    size_t count = 0;
    for (; (text = strstr(text, of)); text += strlen(of))
        count++;
    return count;
}

static void test_svg(void **state) {
    (void)state;
    char *svg = drawn(svg_draw);
    assert_float_equal(neap_chart_most(&chart), 90, 0);
    assert_non_null(strstr(svg, "a &quot;title&quot; &amp; &lt;more&gt; \xEF\xBF\xBD"));
    assert_non_null(strstr(svg, "two &lt;&amp;&gt; 80 MB"));
    assert_null(strstr(svg, "nan"));
    assert_int_equal(occurrences(svg, "<circle"), 2);
    /* the strong line is drawn last, so that it lies on top */
    assert_true(strstr(svg, "stroke-width=\"1.75\"") < strstr(svg, "stroke-width=\"3\""));
    assert_true(occurrences(svg, "<text") == occurrences(svg, "</text>"));
    free(svg);
}

static void empty_draw(FILE *out) {
    const struct neap_chart empty = {.title = "t", .note = "", .x_title = "s", .y_title = "MB", .x_step = 1};
    neap_chart_svg(&empty, out);
}

static void test_svg_of_nothing(void **state) {
    (void)state;
    char *svg = drawn(empty_draw);
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    free(svg);
}

static void test_page_is_one_file(void **state) {
    (void)state;
    char *page = drawn(page_draw);
    assert_null(strstr(page, "</script><b>")); /* a name cannot end the script */
    assert_non_null(strstr(page, "\\u003c/script>"));
    assert_non_null(strstr(page, "print(1 &lt; 2)"));
    assert_null(strstr(page, "<script src")); /* nothing is fetched */
    assert_null(strstr(page, "<link"));
    assert_null(strstr(page, "@import"));
    assert_null(strstr(page, "sourceMappingURL"));
    assert_non_null(strstr(page, "Dygraph"));
    assert_non_null(strstr(page, "Permission is hereby granted")); /* the library's licence */
    assert_int_equal(occurrences(page, "<script"), occurrences(page, "</script>"));
    free(page);
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *given, *made;
    } cases[] = {
        {"plain", "plain"},
        {"gr\xC3\xB6\xC3\x9F"
         "er",
         "gr\xC3\xB6\xC3\x9F"
         "er"},
        {"\xF0\x9F\x8C\x8A", "\xF0\x9F\x8C\x8A"},
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"cut \xE2\x82", "cut \xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *copy = neap_markup_utf8(cases[i].given);
        assert_string_equal(copy, cases[i].made);
        free(copy);
    }
}

static void json_draw(FILE *out) {
    json_t *document = neap_json_document("neap.test/1");
    json_object_set_new(document, "text", neap_json_text("\xFF"));
    json_object_set_new(document, "third", json_real(1.0 / 3));
    assert_int_equal(neap_json_print(document, out), 0);
}

static void test_json(void **state) {
    (void)state;
    char *text = drawn(json_draw);
    assert_string_equal(text, "{\n  \"schema\": \"neap.test/1\",\n  \"text\": \"\xEF\xBF\xBD\",\n"
                              "  \"third\": 0.333333333\n}\n");
    assert_true(neap_json_print(NULL, stdout) < 0);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axis),           cmocka_unit_test(test_svg),
        cmocka_unit_test(test_svg_of_nothing), cmocka_unit_test(test_page_is_one_file),
        cmocka_unit_test(test_utf8),           cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
