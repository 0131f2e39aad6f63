// Numbers as people read them. Pure.
#pragma once

#include <string>

namespace mixnet {

/// A whole number: 1234567 as "1,234,567"; rounded when it is none.
std::string grouped(double number);

}  // namespace mixnet
