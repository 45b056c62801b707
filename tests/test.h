/* test.h: one test file, two programs.
 *
 * Criterion 2.4.1 aborts under ThreadSanitizer, and its process for each test is slow in a
 * sanitized program: so a test file builds as a Criterion suite and, with TEST_PLAIN, as a plain
 * program that runs the same tests one after the other. Names are sentences:
 *
 *   TEST(mailbox, rings_once_for_a_burst) { … expect(rung == 1); }
 *
 * Exactly one source of a test program defines TEST_MAIN before including this (CMake does).
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TEST_PLAIN

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};
extern struct test_case *test_cases;

#define TEST(suite, id)                                                                            \
    static void test_##suite##_##id(void);                                                         \
    __attribute__((constructor)) static void test_add_##suite##_##id(void)                         \
    {                                                                                              \
        static struct test_case self = {#suite "/" #id, test_##suite##_##id, NULL};                \
        struct test_case **end = &test_cases;                                                      \
        while (*end != NULL) {                                                                     \
            end = &(*end)->next;                                                                   \
        }                                                                                          \
        *end = &self;                                                                              \
    }                                                                                              \
    static void test_##suite##_##id(void)

#define expect_msg(cond, ...)                                                                      \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#ifdef TEST_MAIN
struct test_case *test_cases;
int main(void)
{
    unsigned count = 0;
    for (struct test_case *test = test_cases; test != NULL; test = test->next) {
        printf("%s\n", test->name);
        fflush(stdout);
        test->run();
        count++;
    }
    printf("%u tests passed\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif

#else

#include <criterion/criterion.h>
#define TEST(suite, id)       Test(suite, id)
#define expect_msg(cond, ...) cr_assert((cond), __VA_ARGS__)

#endif

#define expect(cond) expect_msg((cond), "%s", #cond)
#define expect_int(actual, expected)                                                               \
    do {                                                                                           \
        long long a_ = (long long)(actual), e_ = (long long)(expected);                            \
        expect_msg(a_ == e_, "%s is %lld, expected %lld", #actual, a_, e_);                        \
    } while (0)
#define expect_text(actual, expected)                                                              \
    do {                                                                                           \
        const char *a_ = (actual), *e_ = (expected);                                               \
        expect_msg(strcmp(a_, e_) == 0, "%s is \"%s\", expected \"%s\"", #actual, a_, e_);         \
    } while (0)
/* A struct bytes against a string. */
#define expect_bytes(actual, expected)                                                             \
    do {                                                                                           \
        struct bytes a_ = (actual);                                                                \
        const char *e_ = (expected);                                                               \
        expect_msg(a_.len == strlen(e_) && (a_.len == 0 || memcmp(a_.at, e_, a_.len) == 0),        \
                   "%s is \"%.*s\", expected \"%s\"", #actual, (int)a_.len, a_.at, e_);            \
    } while (0)

#endif
