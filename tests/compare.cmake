# The experiment runner is Python and the same for every preset: the one that is checked but not sanitized tests it.
if(NOT QUARTET_CHECKED OR QUARTET_SANITIZE)
    return()
endif()

# add_compare_test(stats ARG...) runs tests/tools/compare/test_stats.py.
function(add_compare_test name)
    add_test(NAME tools/compare_${name} COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/tools/compare/test_${name}.py ${ARGN})
    set_tests_properties(tools/compare_${name} PROPERTIES TIMEOUT 300 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

add_compare_test(stats)
add_compare_test(placement)
add_compare_test(pairs)
add_compare_test(cgroups)
add_compare_test(spec)
add_compare_test(load)
add_compare_test(disturbance)
add_compare_test(cells)
add_compare_test(runner)
add_compare_test(tune)
add_compare_test(report)
add_compare_test(end_to_end ${PROJECT_BINARY_DIR})
add_compare_test(hosts ${PROJECT_BINARY_DIR})
