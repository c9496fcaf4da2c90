// The messages of a chat: room, forgetting the oldest exchange, the pinned system message.
#include "runtime/main/Conversation.h"

#include <gtest/gtest.h>

using namespace nibble::rt;

namespace {

void say(Conversation &conversation, std::string_view role, std::string_view text) {
  ASSERT_LE(text.size(), conversation.room().size());
  std::memcpy(conversation.room().data(), text.data(), text.size());
  ASSERT_TRUE(conversation.add(role, text.size()));
}

TEST(Conversation, ForgetsTheOldestExchange) {
  char buffer[64];
  Conversation conversation(buffer, "be brief");
  say(conversation, "user", "one");
  ASSERT_TRUE(conversation.add("assistant", 0));
  conversation.extend("ei");
  conversation.extend("ns");
  say(conversation, "user", "two");
  EXPECT_TRUE(conversation.forgetOldest());
  ASSERT_EQ(conversation.all().size(), 2u);
  EXPECT_EQ(conversation.all()[0].content, "be brief");
  EXPECT_EQ(conversation.all()[1].content, "two");
  EXPECT_EQ(conversation.all()[1].role, "user");
  EXPECT_EQ(conversation.room().size(), sizeof(buffer) - 3);
  EXPECT_FALSE(conversation.forgetOldest()); // the question itself stays
}

TEST(Conversation, WhatDoesNotFitIsCutOrRefused) {
  char buffer[8];
  Conversation conversation(buffer, "");
  say(conversation, "user", "12345");
  EXPECT_FALSE(conversation.add("assistant", 4));
  ASSERT_TRUE(conversation.add("assistant", 0));
  conversation.extend("abcdef");
  EXPECT_EQ(conversation.all()[1].content, "abc");
  conversation.removeLast();
  EXPECT_EQ(conversation.room().size(), 3u);
  EXPECT_EQ(conversation.all().size(), 1u);
}

// As a saved conversation is read: the system message lies in the buffer, too, and stays when others are forgotten.
TEST(Conversation, ARestoredSystemMessageStays) {
  char buffer[32] = "briefone1two";
  Conversation conversation(buffer, "");
  EXPECT_TRUE(conversation.isEmpty());
  conversation.addSystem(5);
  ASSERT_TRUE(conversation.add("user", size_t(3)));
  ASSERT_TRUE(conversation.add("assistant", size_t(1)));
  ASSERT_TRUE(conversation.add("user", size_t(3)));
  EXPECT_TRUE(conversation.hasSystem());
  EXPECT_TRUE(conversation.forgetOldest());
  ASSERT_EQ(conversation.all().size(), 2u);
  EXPECT_EQ(conversation.all()[0].content, "brief");
  EXPECT_EQ(conversation.all()[1].content, "two");
  ASSERT_TRUE(conversation.add("assistant", std::string_view("zwei")));
  EXPECT_EQ(conversation.all()[2].content, "zwei");
}

TEST(Conversation, IsFullBeforeItHasNoRoomForATurn) {
  char buffer[8];
  Conversation conversation(buffer, "system");
  size_t turns = 0;
  for (; !conversation.isFull(); ++turns) {
    ASSERT_TRUE(conversation.add("user", size_t(0)));
    ASSERT_TRUE(conversation.add("assistant", size_t(0)));
  }
  EXPECT_EQ(turns, (MaxMessages - 1) / 2);
  EXPECT_TRUE(conversation.forgetOldest());
  EXPECT_FALSE(conversation.isFull());
}

} // namespace
