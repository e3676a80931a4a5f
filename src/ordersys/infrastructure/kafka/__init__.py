"""Kafka: producer, consumer group member, topics. The only package that imports confluent-kafka."""
